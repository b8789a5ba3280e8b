// Resident sessions in Node: each in a worker thread of its own, since running blocks the thread that it runs in.

import { failed, internal } from "../../base/errors.js";
import type { OpenResident } from "../../engine/resident.js";
import { fromWorkerError, workerDied } from "../../kernels/worker-protocol.js";
import type { Value } from "../../tensor/value.js";
import { buffersOf } from "./buffers.js";
import { startThread } from "./thread.js";
import type { TrainReply, TrainRequest } from "./train-worker.js";

interface Waiting {
  done(values: Record<string, Value>): void;
  fail(error: unknown): void;
}

/** `provider: "wasm"` runs onnxruntime-web in the thread, as a page would; else what `runtime()` prefers. */
export const resident: OpenResident = async (source, state, initial, options = {}) => {
  const worker = startThread("train-worker");
  const waiting: Waiting[] = [];
  let ended: unknown;
  // Without requests under way the thread holds no process up.
  const settle = () => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    return first;
  };
  const die = (cause: unknown) => {
    ended ??= workerDied(cause);
    for (const { fail } of waiting.splice(0)) fail(ended);
  };
  worker.on("message", ({ values, error }: TrainReply) => {
    const first = settle();
    if (error) first?.fail(fromWorkerError(error));
    else first?.done(values ?? {});
  });
  worker.on("messageerror", die);
  worker.on("error", die);
  worker.on("exit", (code) => die(new Error(`the training thread ended with code ${code}`)));
  const ask = (request: TrainRequest, transfer: readonly ArrayBuffer[] = []) =>
    new Promise<Record<string, Value>>((done, fail) => {
      if (ended !== undefined) {
        fail(ended);
        return;
      }
      // Before it is counted: what cannot be cloned throws here, and no reply would come.
      worker.postMessage(request, transfer);
      waiting.push({ done, fail });
      worker.ref();
    });
  const wasm = options.provider === "wasm" || process.env.PARE_RUNTIME === "wasm";
  try {
    await ask({ kind: "open", choice: wasm ? "wasm" : undefined, source, state, initial, options }, [
      ...("bytes" in source ? buffersOf({ source: { dtype: "uint8", dims: [], data: source.bytes } }) : []),
    ]);
  } catch (error) {
    await worker.terminate();
    throw error;
  }
  let pending = false;
  return {
    async run(feeds, results) {
      pending = false;
      const values = await ask({ kind: "run", feeds, results }, buffersOf(feeds));
      pending = true;
      return values;
    },
    commit() {
      if (!pending) throw internal("there is no pending state: run first");
      pending = false;
      // It cannot fail but with the thread, and then the next request says so.
      ask({ kind: "commit" }).catch(() => {});
    },
    read: (names) => ask({ kind: "read", names }),
    async write(values) {
      pending = false;
      await ask({ kind: "write", values });
    },
    async release() {
      if (ended !== undefined) return;
      const gone = new Promise((done) => worker.once("exit", done));
      await ask({ kind: "release" });
      ended = failed("session-released", "The training session has been released.");
      // It is about to end: the caller sees its memory given back.
      worker.ref();
      await gone;
    },
  };
};
