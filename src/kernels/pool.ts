// The workers that run kernels over weights, behind one call. Made by `platform/`, which knows how to start a worker.

import type { ByteHandle } from "../base/bytes.js";
import type { KernelJobs } from "./jobs.js";

/** A job's input values: bytes in hand (transferred: the caller gives them up), or a place that the worker reads itself. */
export type JobInput =
  | { readonly bytes: Uint8Array }
  | { readonly handle: ByteHandle; readonly offset: number; readonly length: number };

export interface KernelPool {
  readonly threads: number;
  /** Whether inputs may be handles. Default true; a pool without workers takes bytes only. */
  readonly readsHandles?: boolean;
  /** Runs one job on a free worker; at most 2 x threads wait, further calls queue. Rejects with the worker's error. */
  run<Name extends keyof KernelJobs>(
    name: Name,
    input: JobInput,
    job: KernelJobs[Name]["options"],
  ): Promise<KernelJobs[Name]["result"]>;
  /**
   * Gives back the large `bytes` of a result that nobody reads any more, to be overwritten by a later result: fresh
   * memory costs more than the kernels that fill it.
   */
  recycle?(bytes: Uint8Array): void;
  dispose(): Promise<void>;
}
