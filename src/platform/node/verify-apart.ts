// Verification in a child process: what the runtime takes is given back whole, and running out of memory ends the child only.

import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { PareError } from "../../base/errors.js";
import type { Verification } from "../../engine/compare.js";
import type { VerifyRequest } from "../../engine/verify-files.js";
import type { VerifyReply } from "./verify-child.js";

/**
 * `verified: "no"` with the reason when the child dies (killed for memory) or cannot start. Throws what the comparison
 * throws (`compare-...`), and the signal's reason when cancelled.
 */
export async function verifyApart(request: VerifyRequest, signal?: AbortSignal): Promise<Verification> {
  signal?.throwIfAborted();
  const [entry, execArgv] = childEntry();
  const child = fork(entry, [], { serialization: "advanced", execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  const stop = () => child.kill("SIGKILL");
  signal?.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<Verification>((done, fail) => {
      const no = (reason: string) => done({ verified: "no", reason, samples: 0, outputs: [], notes: [] });
      child.once("error", (error) => no(`the process that verifies did not start: ${error.message}`));
      child.once("exit", (code, killed) => {
        if (signal?.aborted) fail(signal.reason);
        else if (killed === "SIGKILL") no("the process that verifies was killed: it may have run out of memory");
        else no(`the process that verifies ended before it answered (${killed ?? `exit code ${code}`})`);
      });
      child.once("message", (reply: VerifyReply) => {
        if ("verification" in reply) done(reply.verification);
        else fail(new PareError(reply.error.message, reply.error));
      });
      child.send(request);
    });
  } finally {
    signal?.removeEventListener("abort", stop);
    child.removeAllListeners();
    child.kill();
  }
}

/** Beside this file in every build; from TypeScript sources it is run by tsx. */
function childEntry(): [path: string, execArgv: string[]] {
  const built = fileURLToPath(new URL("./verify-child.js", import.meta.url));
  if (existsSync(built)) return [built, []];
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [fileURLToPath(new URL("./verify-child.ts", import.meta.url)), ["--import", loader]];
}
