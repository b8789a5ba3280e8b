// pare in Node: the one door to `node:*`, onnxruntime-node and sharp. Each part stands in its own file beside it.

import { create, list, makeFolder, open, realPath, remove, temporary } from "./node/files.js";
import { decodeImage } from "./node/image.js";
import { kernels } from "./node/kernels.js";
import { compressedSize, cores, freeMemory, importModule, machine, now, serve } from "./node/machine.js";
import { resident } from "./node/resident.js";
import { runtime, wasmRuntime } from "./node/runtime.js";
import { verifyApart } from "./node/verify-apart.js";
import type { Platform } from "./platform.js";

export const platform: Platform = {
  name: "node",
  open,
  create,
  makeFolder,
  remove,
  realPath,
  list,
  temporary,
  runtime,
  wasmRuntime,
  // The packages find their own files in Node.
  configureRuntime: () => {},
  resident,
  kernels,
  decodeImage,
  importModule,
  compressedSize,
  serve,
  verifyApart,
  machine,
  freeMemory,
  cores,
  now,
};
