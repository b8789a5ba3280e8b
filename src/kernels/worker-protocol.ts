// What the pool and its workers say to each other, and how errors cross over.

import { type ErrorDetails, failed, PareError } from "../base/errors.js";
import type { KernelJobs } from "./jobs.js";
import type { JobInput } from "./pool.js";

type JobName = keyof KernelJobs;

export interface WorkerRequest {
  readonly id: number;
  readonly name: JobName;
  readonly input: JobInput;
  readonly options: KernelJobs[JobName]["options"];
  /** A buffer to make a result in, if its size fits. */
  readonly spare?: ArrayBuffer;
}

/** The first reply of a worker has id 0: without an error it is ready. */
export interface WorkerReply {
  readonly id: number;
  readonly result?: KernelJobs[JobName]["result"];
  readonly error?: WorkerError;
}

export type WorkerError = Omit<ErrorDetails, "cause"> & { readonly message: string };

export const READY: WorkerReply = { id: 0 };

/** Code of the error of a worker that found another file under the path of a handle. */
export const STALE_HANDLE = "file-replaced";

export function toWorkerError(error: unknown): WorkerError {
  if (error instanceof PareError) {
    const { message, code, kind, node, expected, found, hint } = error;
    return { message, code, kind, node, expected, found, hint };
  }
  return { message: error instanceof Error ? error.message : String(error), code: "kernel-failed", kind: "failed" };
}

export const fromWorkerError = ({ message, ...details }: WorkerError): PareError => new PareError(message, details);

export const workerDied = (cause: unknown): PareError =>
  failed("worker-failed", `A worker stopped: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
