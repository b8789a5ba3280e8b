// The forms that are proved: every number format as it is by default, and sparse weights.

import type { Recipe, RecipeStep } from "../../src/index.js";
import { formats, isPlain, type NumberFormat } from "../../src/quantize/formats/index.js";

type Options = Omit<Extract<RecipeStep, { method: "quantize" }>, "method">;

export interface Asked {
  readonly name: string;
  readonly recipe: Recipe;
  /** Share of the float weights that are zero. */
  readonly sparsity?: number;
}

/** Options that store weights in a format and decode them at load. float16 may compute too, so it is told not to. */
export function storedOptions(format: NumberFormat): Options {
  const { name: weights } = format;
  if (!isPlain(format)) return { weights, form: "extract" };
  return weights === "float16" ? { weights, compute: "stored" } : { weights };
}

const quantize = (options: Options): Recipe => [{ method: "quantize", ...options }];

export const asked: readonly Asked[] = [
  ...formats.list.map((format) => ({
    name: format.name,
    recipe: quantize(storedOptions(format)),
  })),
  {
    name: "int8 sparse",
    sparsity: 0.9,
    recipe: quantize({ weights: "int8", form: "extract", sparse: "bitmask" }),
  },
];

/** The float model once more: what two sessions of one model differ by. */
export const float: Asked = { name: "float32", recipe: [] };
