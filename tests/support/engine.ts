// Engine services for tests: the real runtime, and temporary files in the system's folder.

import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bytesSource } from "../../src/base/bytes.js";
import type { Context } from "../../src/base/context.js";
import type { ResidentServices } from "../../src/engine/resident.js";
import type { Runtime, TemporaryFolder } from "../../src/engine/runtime.js";
import type { Model } from "../../src/ir/model.js";
import { decode } from "../../src/onnx/decode.js";
import { resident } from "../../src/platform/node/resident.js";
import { openRuntime } from "../../src/platform/node/runtime.js";

const runtimes = new Map<string, Promise<Runtime>>();

/** `choice`: "native" (onnxruntime-node) or "wasm" (onnxruntime-web in Node). Dispose when a model above 256 MiB is run. */
export function engineServices(
  context: Context = {},
  choice: "native" | "wasm" = "native",
): ResidentServices & { dispose(): Promise<void> } {
  let folder: Promise<TemporaryFolder> | undefined;
  return {
    threads: 2,
    ...context,
    runtime() {
      const known = runtimes.get(choice) ?? openRuntime(choice);
      runtimes.set(choice, known);
      return known;
    },
    now: () => performance.now(),
    resident: (source, state, initial, options) =>
      resident(source, state, initial, choice === "wasm" ? { ...options, provider: "wasm" } : options),
    temporary() {
      folder ??= temporaryFolder();
      return folder;
    },
    async dispose() {
      await (await folder)?.dispose();
    },
  };
}

/** A model file that needs nothing beside itself. */
export async function loadBytes(path: string): Promise<Model> {
  return decode(bytesSource(await readFile(path), path));
}

async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "pare-test-"));
  return {
    path,
    file: (name) => join(path, name),
    open: async (name) => bytesSource(await readFile(join(path, name)), name),
    async create(name) {
      const file = await open(join(path, name), "w");
      return {
        name,
        write: async (bytes) => {
          await file.write(bytes);
        },
        finish: () => file.close(),
        commit: async () => {},
        abort: async () => {
          await rm(join(path, name), { force: true });
        },
      };
    },
    remove: (name) => rm(join(path, name), { force: true }),
    dispose: () => rm(path, { recursive: true, force: true }),
  };
}
