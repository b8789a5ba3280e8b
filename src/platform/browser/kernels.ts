// Kernels on Web Workers. They read slices of Blobs themselves. Where a worker cannot be made (a content security policy,
// a file: page), kernels run in the page's own thread: slower, same bytes.

import { inlinePool } from "../../kernels/inline.js";
import type { KernelPool } from "../../kernels/pool.js";
import { type OuterPort, workerPool } from "../../kernels/worker-pool.js";
import type { WorkerReply } from "../../kernels/worker-protocol.js";

const MOST_THREADS = 8;

/** A pool of `threads` workers (default: the cores, at most 8), or a pool without workers where they are not to be had. */
export async function kernels(
  threads = Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS),
): Promise<KernelPool> {
  try {
    return await workerPool(startWorker, Math.max(1, Math.floor(threads)));
  } catch {
    return inlinePool();
  }
}

function startWorker(): OuterPort {
  // Written out in one expression: this is the form that bundlers find.
  const worker = new Worker(new URL("./kernel-worker.js", import.meta.url), { type: "module" });
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    listen(onReply, onFailure) {
      worker.onmessage = ({ data }: MessageEvent<WorkerReply>) => onReply(data);
      worker.onmessageerror = onFailure;
      worker.onerror = (event) => onFailure(new Error(event.message || "the worker script could not be loaded"));
    },
    hold() {},
    async stop() {
      worker.terminate();
    },
  };
}
