// One job for each slab of a weight, run in parallel and delivered in order, with bounded memory. Bytes that stand in a file
// are read by the workers themselves; others are streamed once, front to back.

import type { ByteHandle, ByteSource } from "../base/bytes.js";
import { PareError } from "../base/errors.js";
import type { TensorData } from "../tensor/tensor.js";
import { cutter, type Slab } from "./cut.js";
import type { KernelJobs } from "./jobs.js";
import type { KernelPool } from "./pool.js";
import { STALE_HANDLE } from "./worker-protocol.js";

type JobName = keyof KernelJobs;
type Options<Name extends JobName> = KernelJobs[Name]["options"];
type Result<Name extends JobName> = KernelJobs[Name]["result"];

export interface SlabControl {
  readonly signal?: AbortSignal | undefined;
  /**
   * Pieces that are given in order stand only until the next one is asked for: their memory is then used again, which
   * makes casts about twice as fast. For consumers that write or copy each piece at once.
   */
  readonly recycle?: boolean | undefined;
}

/** Runs one job per slab, `2 x threads` of them under way, and gives the results in the order of the slabs. */
export async function* inOrder<Name extends JobName>(
  pool: KernelPool,
  name: Name,
  data: TensorData,
  slabs: readonly Slab[],
  job: (slab: Slab) => Options<Name>,
  { signal, recycle }: SlabControl = {},
): AsyncGenerator<{ readonly slab: Slab; readonly result: Result<Name> }> {
  const { span } = data;
  const handle = pool.readsHandles === false ? undefined : span?.source.handle;
  const bytes = handle ? undefined : cutter(data.stream());
  const waiting: { slab: Slab; result: Promise<Result<Name>> }[] = [];
  let next = 0;
  let inFlight = 0;
  try {
    while (next < slabs.length || waiting.length > 0) {
      signal?.throwIfAborted();
      const slab = slabs[next];
      const room = waiting.length === 0 || (waiting.length < 2 * pool.threads && inFlight < IN_FLIGHT_BYTES);
      if (slab && room) {
        next++;
        inFlight += slab.length;
        const result =
          span && handle
            ? fromFile(pool, name, span.source, handle, span.offset + slab.offset, slab.length, job(slab))
            : pool.run(name, { bytes: await bytes!.take(slab.length) }, job(slab));
        result.catch(() => {}); // Awaited below, unless an earlier slab fails first.
        waiting.push({ slab, result });
        continue;
      }
      const head = waiting.shift()!;
      const result = await head.result;
      inFlight -= head.slab.length;
      yield { slab: head.slab, result };
      if (recycle && "bytes" in result) pool.recycle?.(result.bytes);
    }
  } finally {
    await bytes?.close();
  }
}

/** A worker reads by path. When another file stands there by now (saved over), the source still has the old one open. */
async function fromFile<Name extends JobName>(
  pool: KernelPool,
  name: Name,
  source: ByteSource,
  handle: ByteHandle,
  offset: number,
  length: number,
  job: Options<Name>,
): Promise<Result<Name>> {
  try {
    return await pool.run(name, { handle, offset, length }, job);
  } catch (error) {
    if (!(error instanceof PareError && error.code === STALE_HANDLE)) throw error;
    return pool.run(name, { bytes: (await source.read(offset, length)).slice() }, job);
  }
}

/** Input bytes under way at once; one slab always is. */
const IN_FLIGHT_BYTES = 64 * 2 ** 20;
