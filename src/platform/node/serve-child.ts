// A process of its own that opens one model, runs it, and tells what that took. An entry of the build: dist/node/serve-child.js.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import type { SessionOptions } from "../../engine/runtime.js";
import type { Feeds } from "../../tensor/value.js";
import type { Serving } from "../platform.js";
import { open } from "./files.js";
import { runtime, wasmRuntime } from "./runtime.js";

export interface ServeRequest {
  readonly path: string;
  readonly feeds: Feeds;
  readonly options: SessionOptions;
}

export type ServeReply = Serving | { readonly error: string };

/** The second run may take buffers that the first did not: arenas grow. */
const RUNS = 2;

process.once("message", (request: ServeRequest) => {
  serveOnce(request).then(
    (reply) => process.send?.(reply satisfies ServeReply),
    (error: unknown) =>
      process.send?.({ error: error instanceof Error ? error.message : String(error) } satisfies ServeReply),
  );
});

async function serveOnce({ path, feeds, options }: ServeRequest): Promise<Serving> {
  const engine = await (options.provider === "wasm" ? wasmRuntime() : runtime());
  const source = engine.acceptsPath
    ? async () => ({ path })
    : await (await import("../../engine/model-bytes.js")).modelBytes(path, open);
  // The high-water mark counts from here: what starting Node and its modules took at its peak is not the model's.
  resetPeak();
  const baseBytes = process.memoryUsage.rss();
  const start = performance.now();
  const session = await engine.createSession(await source(), options);
  const loadMs = performance.now() - start;
  const peakLoadBytes = peak();
  for (let run = 0; run < RUNS; run++) await session.run(feeds);
  return { loadMs, peakLoadBytes, peakBytes: peak(), baseBytes };
}

/** Linux keeps the peak of resident memory, and lets a process set it back to the present value. */
function resetPeak(): void {
  try {
    if (existsSync("/proc/self/clear_refs")) writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Not allowed here: the peak then includes the start of Node, which is smaller than any model worth measuring.
  }
}

function peak(): number {
  if (existsSync("/proc/self/status")) {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (line) return Number(line[1]) * 1024;
  }
  // Kilobytes on every platform (libuv).
  return process.resourceUsage().maxRSS * 1024;
}
