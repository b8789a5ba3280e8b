// Starts the threads that have an entry of their own in the build.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/** The entry stands beside this file in every build; from TypeScript sources (tests, tsx) the thread needs a loader first. */
export function startThread(name: "kernel-worker" | "train-worker"): Worker {
  // Flags of the parent (a test runner's, a debugger's) are not for the threads.
  if (!import.meta.url.endsWith(".ts")) return new Worker(new URL(`./${name}.js`, import.meta.url), { execArgv: [] });
  const resolved = createRequire(import.meta.url).resolve("tsx/esm/api");
  const loader = pathToFileURL(resolved.replace(/\.cjs$/, ".mjs")).href;
  const entry = new URL(`./${name}.ts`, import.meta.url).href;
  const script = `import { register } from "${loader}"; register(); await import("${entry}");`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`), { execArgv: [] });
}
