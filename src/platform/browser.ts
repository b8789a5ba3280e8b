// pare in the page: the one door to the DOM, fetch and onnxruntime-web. Each part stands in its own file beside it.

import { create, list, makeFolder, open, realPath, remove, temporary } from "./browser/files.js";
import { decodeImage } from "./browser/image.js";
import { kernels } from "./browser/kernels.js";
import { compressedSize, cores, freeMemory, importModule, machine, now, serve } from "./browser/machine.js";
import { configureRuntime, resident, runtime, wasmRuntime } from "./browser/runtime.js";
import type { Platform } from "./platform.js";

export const platform: Platform = {
  name: "browser",
  open,
  create,
  makeFolder,
  remove,
  realPath,
  list,
  temporary,
  runtime,
  wasmRuntime,
  configureRuntime,
  resident,
  kernels,
  decodeImage,
  importModule,
  compressedSize,
  serve,
  verifyApart: undefined,
  machine,
  freeMemory,
  cores,
  now,
};
