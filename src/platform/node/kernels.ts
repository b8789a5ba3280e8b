// Kernels on worker threads. They read weights from their files themselves, and let the process end when idle.

import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import type { KernelPool } from "../../kernels/pool.js";
import { type OuterPort, workerPool } from "../../kernels/worker-pool.js";

/** Beyond this many, memory is the limit and not arithmetic. */
const MOST_THREADS = 8;

/** A pool of `threads` workers (default: the cores, at most 8). Rejects with `worker-failed` when none can start. */
export function kernels(threads = Math.min(availableParallelism(), MOST_THREADS)): Promise<KernelPool> {
  return workerPool(startWorker, Math.max(1, Math.floor(threads)));
}

function startWorker(): OuterPort {
  const worker = newWorker();
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

function newWorker(): Worker {
  // Flags of the parent (a test runner's, a debugger's) are not for the workers.
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL("./kernel-worker.js", import.meta.url), { execArgv: [] });
  // From sources (tests, tsx): the thread needs a loader for TypeScript first.
  const resolved = createRequire(import.meta.url).resolve("tsx/esm/api");
  const loader = pathToFileURL(resolved.replace(/\.cjs$/, ".mjs")).href;
  const entry = new URL("./kernel-worker.ts", import.meta.url).href;
  const script = `import { register } from "${loader}"; register(); await import("${entry}");`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { execArgv: [] });
}
