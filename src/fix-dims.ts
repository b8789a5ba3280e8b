// Writes sizes of symbolic dimensions into the file: for runtimes and compilers that want static shapes.

import { bindDims, type StatedDims } from "./engine/dims.js";
import { fixDims as fix } from "./engine/fix-dims.js";
import type { Model } from "./ir/model.js";

/** `dims`: sizes by symbol, shapes by input; what is not stated is guessed, see `bindDims`. Throws `dim-*`, `shape-*`. */
export const fixDims = (model: Model, options: { readonly dims?: StatedDims | undefined } = {}): Model =>
  fix(model, bindDims(model, options.dims));
