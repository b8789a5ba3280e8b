// Entry of the thread that trains: one resident session at a time, which blocks this thread while it runs and no other. An entry of
// its own in the build.

import { parentPort } from "node:worker_threads";
import { internal } from "../../base/errors.js";
import type { ResidentSession, ResidentState } from "../../engine/resident.js";
import type { SessionOptions, SessionSource } from "../../engine/runtime.js";
import { toWorkerError, type WorkerError } from "../../kernels/worker-protocol.js";
import type { Feeds, Value } from "../../tensor/value.js";
import { ortResident } from "../ort-resident.js";
import { buffersOf } from "./buffers.js";
import { openBinding } from "./runtime.js";

export type TrainRequest =
  | {
      readonly kind: "open";
      readonly choice: "wasm" | undefined;
      readonly source: SessionSource;
      readonly state: readonly ResidentState[];
      readonly initial: Readonly<Record<string, Value>>;
      readonly options: SessionOptions;
    }
  | { readonly kind: "run"; readonly feeds: Feeds; readonly results: readonly string[] | undefined }
  | { readonly kind: "commit" }
  | { readonly kind: "read"; readonly names: readonly string[] | undefined }
  | { readonly kind: "write"; readonly values: Readonly<Record<string, Value>> }
  | { readonly kind: "release" };

/** One for each request, in their order. */
export interface TrainReply {
  readonly values?: Record<string, Value>;
  readonly error?: WorkerError;
}

const port = parentPort;
if (!port) throw internal("the training worker must be started as a worker thread");

let session: ResidentSession | undefined;
// Requests are served one after another: a commit may be posted before its run has ended.
let last: Promise<void> = Promise.resolve();

port.on("message", (request: TrainRequest) => {
  last = last.then(async () => {
    try {
      const values = await serve(request);
      port.postMessage({ ...(values && { values }) } satisfies TrainReply, buffersOf(values));
    } catch (error) {
      port.postMessage({ error: toWorkerError(error) } satisfies TrainReply);
    }
  });
});

async function serve(request: TrainRequest): Promise<Record<string, Value> | undefined> {
  if (request.kind === "open") {
    const { choice, source, state, initial, options } = request;
    session = await ortResident(await openBinding(choice), source, state, initial, options);
    return undefined;
  }
  if (session === undefined) throw internal("the training worker has no session");
  switch (request.kind) {
    case "run":
      return session.run(request.feeds, request.results);
    case "commit":
      session.commit();
      return undefined;
    case "read":
      return session.read(request.names);
    case "write":
      await session.write(request.values);
      return undefined;
    case "release": {
      const ended = session;
      session = undefined;
      await ended.release();
      return undefined;
    }
  }
}
