// What is measured: every number format as it is by default, and other ranges, blocks and mixtures where they tell something.

import type { Recipe, RecipeStep } from "../../src/index.js";
import { formats } from "../../src/quantize/formats/index.js";
import { storedOptions } from "../extract/asked.js";

type Options = Omit<Extract<RecipeStep, { method: "quantize" }>, "method">;

/** Families of the plot. integers: the line from 8 bits down to 1. */
export type Family = "integers" | "floats" | "tables" | "mixed";

export interface Variant {
  readonly label: string;
  readonly family: Family;
  /** On the line of its family in the plot. */
  readonly ladder?: true;
  readonly recipe: Recipe;
  readonly target?: string;
}

const step = (options: Options): Recipe => [{ method: "clean" }, { method: "quantize", ...options }];

const families: Readonly<Record<string, Family>> = {
  integer: "integers",
  float: "floats",
  levels: "tables",
  learned: "tables",
};
const LADDER = new Set(["int8", "int6", "int5", "int4", "int3", "int2", "ternary", "binary"]);

const each: readonly Variant[] = formats.list.map((format) => ({
  label: format.name,
  family: LADDER.has(format.name) ? "integers" : families[format.kind]!,
  ...(LADDER.has(format.name) && { ladder: true as const }),
  recipe: step(storedOptions(format)),
}));

const more = (label: string, family: Family, options: Options): Variant => ({
  label,
  family,
  recipe: step({ form: "extract", ...options }),
});
const outer = (weights: string): Options => ({
  weights,
  layers: [{ match: ["first", "last"], weights: "int8" }],
});

/** Every recipe that the tables show. */
export const variants: readonly Variant[] = [
  ...each,
  more("int8, blocks of 32", "integers", { weights: "int8", granularity: "block" }),
  more("int4, mse", "integers", { weights: "int4", range: "mse" }),
  more("int4, channels", "integers", { weights: "int4", granularity: "channel" }),
  more("int4, blocks of 128", "integers", { weights: "int4", block: 128 }),
  more("uint4, mse", "integers", { weights: "uint4", range: "mse" }),
  more("int3, absmax", "integers", { weights: "int3", range: "absmax" }),
  more("int2, absmax", "integers", { weights: "int2", range: "absmax" }),
  more("int2, blocks of 16", "integers", { weights: "int2", block: 16 }),
  more("nf4, mse", "tables", { weights: "nf4", range: "mse" }),
  more("codebook, 256 entries", "tables", { weights: "codebook", entries: 256 }),
  more("codebook, 8 entries", "tables", { weights: "codebook", entries: 8 }),
  more("codebook, 4 entries", "tables", { weights: "codebook", entries: 4 }),
  more("codebook, 2 entries", "tables", { weights: "codebook", entries: 2 }),
  more("int4, first and last int8", "mixed", outer("int4")),
  more("int3, first and last int8", "mixed", outer("int3")),
  more("int2, first and last int8", "mixed", outer("int2")),
  more("ternary, first and last int8", "mixed", outer("ternary")),
];

export interface Pair {
  /** What both make. */
  readonly label: string;
  readonly ours: Recipe;
  readonly target: string;
  /** The task of bench/peers.py. */
  readonly peer: string;
  readonly what: string;
}

const NBITS = "MatMulNBitsQuantizer";
const nBits: Options = { form: "native", accuracyLevel: 4, only: ["MatMul"] };
const bnb4: Options = { form: "native", block: 64, only: ["MatMul"] };

const pair = (label: string, peer: string, what: string, options: Options): Pair => ({
  label,
  ours: step(options),
  // Where every native form is to be had.
  target: "node",
  peer,
  what,
});

/** The forms that ONNX Runtime's own converters make too, asked for alike: the same operators, blocks and level. */
export const pairs: readonly Pair[] = [
  pair("float16", "fp16", "convert_float_to_float16", { weights: "float16" }),
  pair("int8 dynamic", "int8", "quantize_dynamic", { weights: "int8", activations: "dynamic" }),
  pair("int8, blocks of 32", "nbits8", `${NBITS}, symmetric`, { weights: "int8", ...nBits }),
  pair("uint8, blocks of 32", "unbits8", `${NBITS}, asymmetric`, { weights: "uint8", ...nBits }),
  pair("int4, blocks of 32", "nbits4", `${NBITS}, symmetric`, { weights: "int4", ...nBits }),
  pair("uint4, blocks of 32", "unbits4", `${NBITS}, asymmetric`, { weights: "uint4", ...nBits }),
  pair("nf4, blocks of 64", "nf4", "MatMulBnb4Quantizer", { weights: "nf4", ...bnb4 }),
  pair("fp4, blocks of 64", "fp4", "MatMulBnb4Quantizer", { weights: "fp4", ...bnb4 }),
];
