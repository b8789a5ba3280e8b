// The dtypes of transformers.js: which file each is loaded from, and the recipe that makes it. Recipes follow what files
// on the Hub hold under these names (made by transformers.js' scripts/quantize.py until its version 3, since then by
// Optimum and by hand); where that leaves weights in float32, pare packs them too.

import type { z } from "zod";
import type { Model } from "../ir/model.js";
import { everyGraph, everyNode } from "../ir/traverse.js";
import { operatorKey } from "../ops/operator.js";
import type { quantizeOptions } from "../quantize/schema.js";
import { cacheNames } from "./cache.js";
import { decodeRows } from "./decode-rows.js";

type Quantize = { readonly method: "quantize" } & Readonly<z.input<typeof quantizeOptions>>;
/** A step of a recipe, as the verb `compress` takes it. */
export type HubStep = Quantize | { readonly method: (typeof decodeRows)["name"] };

export interface HubDtype {
  /** As `from_pretrained(..., { dtype })` takes it. */
  readonly name: string;
  /** Between the model's name and ".onnx". */
  readonly suffix: string;
  readonly summary: string;
  /** Where the recipe comes from. */
  readonly source: string;
  /** It computes in float16, and so a decoder's cache is float16 too. */
  readonly float16: boolean;
  /** The steps for one model, as transformers.js runs it; none: the model as it is given. */
  steps(model: Model): readonly HubStep[];
}

const SCRIPT =
  "https://github.com/huggingface/transformers.js/blob/124f7dd7aa7372b9ce851a22ca7971aa3fd3a07e/scripts/quantize.py";
/** transformers.js names these and says nothing of what is in the files. */
const NAME = "https://github.com/huggingface/transformers.js/blob/main/packages/transformers/src/utils/dtypes.js";

/** The script converts everything to float16 behind Casts of inputs and outputs; a decoder's cache is float16 throughout. */
const half = (model: Model): Quantize => {
  const cache = cacheNames(model);
  return { method: "quantize", weights: "float16", ...(cache.length > 0 ? { float16Io: [...cache] } : {}) };
};

const dynamic = (weights: "int8" | "uint8"): Quantize => ({ method: "quantize", weights, activations: "dynamic" });

/**
 * Products packed in blocks, and tables in 4 bits (as the product, where one is tied to it); what neither takes (Conv, LSTM, odd
 * shapes) as uint8, where the script leaves float32.
 */
function packed(model: Model, products: Quantize): readonly HubStep[] {
  const odd = oddTables(model);
  const keep = odd.length > 0 ? { keep: odd } : {};
  return [
    { ...products, ...keep },
    ...(products.weights === "int4" ? [] : [{ ...blocks("int4"), ...keep }]),
    { method: decodeRows.name },
    rest,
  ];
}

/** Level 4 is written out: a runtime takes 0 for none, and has no fast 2-bit kernel below 4. */
const blocks = (weights: "int4" | "int2"): Quantize => ({
  method: "quantize",
  weights,
  form: "native",
  block: BLOCK,
  symmetric: true,
  accuracyLevel: 4,
});
const BLOCK = 32;

/** bitsandbytes' own block is 64, and the operator has no accuracy level. */
const bnb4: Quantize = { method: "quantize", weights: "nf4", form: "native", block: 64 };

const rest: Quantize = { method: "quantize", weights: "uint8", form: "extract" };

/** Tables whose rows are no whole blocks: `decodeRows` cannot take them apart. */
function oddTables(model: Model): string[] {
  const found = new Set<string>();
  for (const graph of everyGraph(model)) {
    for (const { opType, inputs } of graph.nodes) {
      const [name = ""] = inputs;
      const table = opType === "Gather" ? graph.initializers.get(name) : undefined;
      if (table?.dtype === "float32" && table.dims.length === 2 && table.dims[1]! % BLOCK !== 0) found.add(name);
    }
  }
  return [...found];
}

/** One bit a weight, where a sum over many inputs evens errors out; kernels of a Conv have too few. */
function oneBit(model: Model): readonly HubStep[] {
  const kernels = present(model, ["Conv", "ConvTranspose"]);
  const bits: Quantize = { method: "quantize", weights: "binary", form: "extract" };
  return kernels.length === 0
    ? [bits]
    : [
        { ...bits, keep: kernels },
        { ...rest, only: kernels },
      ];
}

/** Patterns that match nothing are refused by the step, so only operators that the model has are named. */
function present(model: Model, operators: readonly string[]): string[] {
  const found = new Set([...everyNode(model)].map(operatorKey));
  return operators.filter((operator) => found.has(operator));
}

/** In the order of transformers.js' own list, which a test compares with this one. */
export const HUB_DTYPES: readonly HubDtype[] = [
  {
    name: "fp32",
    suffix: "",
    summary: "the model as it is given",
    source: SCRIPT,
    float16: false,
    steps: () => [],
  },
  {
    name: "fp16",
    suffix: "_fp16",
    summary: "float16 weights and arithmetic",
    source: SCRIPT,
    float16: true,
    steps: (model) => [half(model)],
  },
  {
    name: "q8",
    suffix: "_quantized",
    summary: "int8 weights (uint8 for Conv), activations quantized at each run; the default on WASM",
    source: SCRIPT,
    float16: false,
    steps: () => [dynamic("int8")],
  },
  {
    name: "int8",
    suffix: "_int8",
    summary: "as q8: Conv has no fast kernel for int8 weights",
    source: SCRIPT,
    float16: false,
    steps: () => [dynamic("int8")],
  },
  {
    name: "uint8",
    suffix: "_uint8",
    summary: "uint8 weights, activations quantized at each run: all 8 bits on x64 without VNNI too",
    source: SCRIPT,
    float16: false,
    steps: () => [dynamic("uint8")],
  },
  {
    name: "q4",
    suffix: "_q4",
    summary: "4-bit blocks of 32 for products and tables, other weights uint8",
    source: SCRIPT,
    float16: false,
    steps: (model) => packed(model, blocks("int4")),
  },
  {
    name: "bnb4",
    suffix: "_bnb4",
    summary: "NF4 blocks of 64 for products, tables as in q4, other weights uint8",
    source: SCRIPT,
    float16: false,
    steps: (model) => packed(model, bnb4),
  },
  {
    name: "q4f16",
    suffix: "_q4f16",
    summary: "q4 with float16 arithmetic",
    source: SCRIPT,
    float16: true,
    steps: (model) => [half(model), ...packed(model, blocks("int4"))],
  },
  {
    name: "q2",
    suffix: "_q2",
    summary: "2-bit blocks of 32 for products, tables as in q4, other weights uint8",
    source: NAME,
    float16: false,
    steps: (model) => packed(model, blocks("int2")),
  },
  {
    name: "q2f16",
    suffix: "_q2f16",
    summary: "q2 with float16 arithmetic",
    source: NAME,
    float16: true,
    steps: (model) => [half(model), ...packed(model, blocks("int2"))],
  },
  {
    name: "q1",
    suffix: "_q1",
    summary: "1 bit a weight and a scale a block, decoded at load; kernels of Conv uint8",
    source: NAME,
    float16: false,
    steps: oneBit,
  },
  {
    name: "q1f16",
    suffix: "_q1f16",
    summary: "q1 with float16 arithmetic",
    source: NAME,
    float16: true,
    steps: (model) => [half(model), ...oneBit(model)],
  },
];
