// The inside of a worker: takes jobs one after the other, runs them on its own machine, transfers the results.

import type { ByteHandle } from "../base/bytes.js";
import { bytesOf, runJob } from "./dispatch.js";
import { type JobSource, type Machine, machine } from "./simd/machine.js";
import { READY, toWorkerError, type WorkerReply, type WorkerRequest } from "./worker-protocol.js";

/** How a worker is reached from inside; made by the worker entries of `platform/`. */
export interface InnerPort {
  post(reply: WorkerReply, transfer: ArrayBuffer[]): void;
  listen(onRequest: (request: WorkerRequest) => void): void;
  /** The bytes behind a handle; read as they are asked for where that can be done without waiting. */
  open(handle: ByteHandle, offset: number, length: number): JobSource | Promise<JobSource>;
}

/** Result buffers kept for reuse; older ones are dropped. */
const SPARES = 2;

export function serveKernels(port: InnerPort): void {
  const spares: ArrayBuffer[] = [];
  const allocate = (byteLength: number): Uint8Array => {
    const at = spares.findIndex((spare) => spare.byteLength === byteLength);
    return new Uint8Array(at < 0 ? new ArrayBuffer(byteLength) : spares.splice(at, 1)[0]!);
  };
  const run = async (made: Machine, { id, name, input, options, spare }: WorkerRequest) => {
    if (spare) spares.push(spare);
    if (spares.length > SPARES) spares.shift();
    try {
      const inHand = "bytes" in input;
      const length = inHand ? input.bytes.byteLength : input.length;
      const source = inHand ? bytesOf(input.bytes) : await port.open(input.handle, input.offset, length);
      const result = runJob(made, name, source, length, options, allocate);
      const buffers = (Object.values(result) as unknown[]).filter(ArrayBuffer.isView);
      port.post({ id, result }, buffers.map((view) => view.buffer) as ArrayBuffer[]);
    } catch (error) {
      port.post({ id, error: toWorkerError(error) }, []);
    }
  };

  const started = machine();
  // One at a time: the machine has one memory.
  let last: Promise<unknown> = started.then(
    () => port.post(READY, []),
    (error) => port.post({ id: READY.id, error: toWorkerError(error) }, []),
  );
  port.listen((request) => {
    last = last.then(async () => run(await started, request));
  });
}
