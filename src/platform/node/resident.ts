// Resident sessions in Node: each in a worker thread, since running blocks the thread that it runs in.

import { failed, internal } from "../../base/errors.js";
import type { OpenResident } from "../../engine/resident.js";
import { fromWorkerError, workerDied } from "../../kernels/worker-protocol.js";
import type { Value } from "../../tensor/value.js";
import { buffersOf } from "./buffers.js";
import { startThread } from "./thread.js";
import type { TrainReply, TrainRequest } from "./train-worker.js";

/** `provider: "wasm"` runs onnxruntime-web in the thread, as a page would; else what `runtime()` prefers. */
export const resident: OpenResident = async (source, state, initial, options = {}) => {
  const wasm = options.provider === "wasm" || process.env.PARE_RUNTIME === "wasm";
  // The number of threads of a WASM heap is set once.
  const kind = wasm ? `wasm ${options.threads}` : "native";
  const thread = taken(kind) ?? trainThread(kind);
  const leave = () => (thread.dead() ? thread.end() : leftIdle(thread));
  try {
    await thread.ask({ kind: "open", choice: wasm ? "wasm" : undefined, source, state, initial, options }, [
      ...("bytes" in source ? buffersOf({ source: { dtype: "uint8", dims: [], data: source.bytes } }) : []),
    ]);
  } catch (error) {
    await leave();
    throw error;
  }
  let pending = false;
  let released: Promise<void> | undefined;
  const ask = (request: TrainRequest, transfer?: readonly ArrayBuffer[]) => {
    if (released) return Promise.reject(failed("session-released", "The training session has been released."));
    return thread.ask(request, transfer);
  };
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
    release() {
      released ??= (async () => {
        try {
          if (!thread.dead()) await thread.ask({ kind: "release" });
        } finally {
          await leave();
        }
      })();
      return released;
    },
  };
};

/** Threads without a session, kept a while for the next: starting one takes longer than many a session lives. */
const idle = new Map<TrainThread, NodeJS.Timeout>();
/** Then they end: only that gives all memory back, a WASM heap before all. */
const IDLE_MS = 3000;

function taken(kind: string): TrainThread | undefined {
  for (const [thread, end] of idle) {
    if (thread.kind !== kind) continue;
    clearTimeout(end);
    idle.delete(thread);
    return thread;
  }
  return undefined;
}

async function leftIdle(thread: TrainThread): Promise<void> {
  const end = () => {
    idle.delete(thread);
    void thread.end();
  };
  idle.set(thread, setTimeout(end, IDLE_MS).unref());
}

interface TrainThread {
  readonly kind: string;
  ask(request: TrainRequest, transfer?: readonly ArrayBuffer[]): Promise<Record<string, Value>>;
  dead(): boolean;
  end(): Promise<void>;
}

interface Waiting {
  done(values: Record<string, Value>): void;
  fail(error: unknown): void;
}

function trainThread(kind: string): TrainThread {
  const worker = startThread("train-worker");
  const waiting: Waiting[] = [];
  let died: unknown;
  // Without requests under way the thread holds no process up.
  worker.unref();
  const die = (cause: unknown) => {
    died ??= workerDied(cause);
    for (const { fail } of waiting.splice(0)) fail(died);
  };
  worker.on("message", ({ values, error }: TrainReply) => {
    const first = waiting.shift();
    if (waiting.length === 0) worker.unref();
    if (error) first?.fail(fromWorkerError(error));
    else first?.done(values ?? {});
  });
  worker.on("messageerror", die);
  worker.on("error", die);
  worker.on("exit", (code) => {
    die(new Error(`the training thread ended with code ${code}`));
    clearTimeout(idle.get(thread));
    idle.delete(thread);
  });
  const thread: TrainThread = {
    kind,
    ask: (request, transfer = []) =>
      new Promise((done, fail) => {
        if (died !== undefined) {
          fail(died);
          return;
        }
        // Before it is counted: what cannot be cloned throws here, and no reply would come.
        worker.postMessage(request, transfer);
        waiting.push({ done, fail });
        worker.ref();
      }),
    dead: () => died !== undefined,
    async end() {
      await worker.terminate();
    },
  };
  return thread;
}
