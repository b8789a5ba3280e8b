// Kernels on worker threads. They read weights from their files themselves, and let the process end when idle.

import { availableParallelism } from "node:os";
import type { KernelPool } from "../../kernels/pool.js";
import { type OuterPort, workerPool } from "../../kernels/worker-pool.js";
import { startThread } from "./thread.js";

/** Beyond this many, memory is the limit and not arithmetic. */
const MOST_THREADS = 8;

/** A pool of `threads` workers (default: the cores, at most 8). Rejects with `worker-failed` when none can start. */
export function kernels(threads = Math.min(availableParallelism(), MOST_THREADS)): Promise<KernelPool> {
  return workerPool(startWorker, Math.max(1, Math.floor(threads)));
}

function startWorker(): OuterPort {
  const worker = startThread("kernel-worker");
  let stopped = false;
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    listen(onReply, onFailure) {
      worker.on("message", onReply);
      worker.on("messageerror", onFailure);
      worker.on("error", onFailure);
      worker.on("exit", (code) => {
        if (!stopped) onFailure(new Error(`worker thread ended with code ${code}`));
      });
    },
    hold: (busy) => (busy ? worker.ref() : worker.unref()),
    async stop() {
      stopped = true;
      await worker.terminate();
    },
  };
}
