// The machine as Node sees it: cores, memory, clocks, compression, user modules, and child processes that serve a model.

import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, freemem, totalmem } from "node:os";
import { resolve } from "node:path";
import { Readable } from "node:stream";
import { fileURLToPath, pathToFileURL } from "node:url";
import { constants, createBrotliCompress, createGzip } from "node:zlib";
import { failed } from "../../base/errors.js";
import type { SessionOptions } from "../../engine/runtime.js";
import type { Feeds } from "../../tensor/value.js";
import type { Machine, Serving } from "../platform.js";
import { runtime } from "./runtime.js";
import type { ServeReply, ServeRequest } from "./serve-child.js";

export const now = (): number => performance.now();

export const cores = (): number => availableParallelism();

/** Bytes that this process can still take: the container's limit where there is one. */
export const freeMemory = (): number => process.availableMemory?.() ?? freemem();

export async function machine(): Promise<Machine> {
  const limit = process.constrainedMemory?.() ?? 0;
  const memory = limit > 0 && limit < totalmem() ? limit : totalmem();
  return {
    platform: `${process.platform} ${process.arch}, Node ${process.versions.node}`,
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cores(),
    memory,
    runtime: await runtime().then(
      ({ name, version }) => `${name} ${version}`,
      () => "none",
    ),
  };
}

export async function importModule(path: string): Promise<Record<string, unknown>> {
  const full = resolve(path);
  if (!existsSync(full)) throw failed("file-missing", `There is no file "${path}".`, { found: full });
  return (await import(pathToFileURL(full).href)) as Record<string, unknown>;
}

/** Gzip level 6, brotli quality 5: what servers that compress on the way use. */
export async function compressedSize(
  kind: "gzip" | "brotli",
  pieces: AsyncIterable<Uint8Array>,
): Promise<number | undefined> {
  const compressor =
    kind === "gzip"
      ? createGzip({ level: 6 })
      : createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
  const source = Readable.from(pieces, { objectMode: false });
  // pipe() does not carry errors over.
  source.on("error", (error) => compressor.destroy(error));
  let bytes = 0;
  for await (const piece of source.pipe(compressor)) bytes += (piece as Uint8Array).byteLength;
  return bytes;
}

/**
 * Opens and runs a model in a fresh process. Throws `failed("serve-failed")` when that process fails or the runtime
 * refuses the model.
 */
export async function serve(path: string, feeds: Feeds, options: SessionOptions = {}): Promise<Serving | undefined> {
  const [entry, execArgv] = childEntry();
  const child = fork(entry, [], { serialization: "advanced", execArgv, stdio: ["ignore", "ignore", "ignore", "ipc"] });
  try {
    return await new Promise<Serving>((done, fail) => {
      child.once("error", (cause) =>
        fail(failed("serve-failed", "The process that serves the model did not start.", { cause })),
      );
      child.once("exit", (code, signal) =>
        fail(
          failed("serve-failed", "The process that serves the model ended before it answered.", {
            found: signal === null ? `exit code ${code}` : `signal ${signal}`,
            hint: signal === "SIGKILL" ? "It may have run out of memory." : undefined,
          }),
        ),
      );
      child.once("message", (reply: ServeReply) => {
        if ("error" in reply) fail(failed("serve-failed", reply.error, { node: path }));
        else done(reply);
      });
      child.send({ path: resolve(path), feeds, options } satisfies ServeRequest);
    });
  } finally {
    child.removeAllListeners();
    child.kill();
  }
}

/** Beside this file in every build; from TypeScript sources it is run by tsx. */
function childEntry(): [path: string, execArgv: string[]] {
  const built = fileURLToPath(new URL("./serve-child.js", import.meta.url));
  if (existsSync(built)) return [built, []];
  const loader = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [fileURLToPath(new URL("./serve-child.ts", import.meta.url)), ["--import", loader]];
}
