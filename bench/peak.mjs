// Preloaded into every Node process of a measured command: writes the process's peak resident memory when it ends.
// VmHWM starts anew at exec, where getrusage's maximum may hold the parent's; without /proc that maximum must do.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMainThread } from "node:worker_threads";

const folder = process.env.PARE_BENCH_PEAK;
if (isMainThread && folder) {
  process.on("exit", () => {
    writeFileSync(join(folder, `${process.pid}`), `${peak()}`);
  });
}

function peak() {
  try {
    const line = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
    if (line) return Number(line[1]) * 1024;
  } catch {}
  return process.resourceUsage().maxRSS * 1024;
}
