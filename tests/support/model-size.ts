// Bytes of a model as a file.

import type { Model } from "../../src/ir/model.js";
import { layOutModel } from "../../src/onnx/encode.js";

export const sizeOf = (model: Model): number => layOutModel(model)!.byteLength;
