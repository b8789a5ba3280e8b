// Proof of gradient rules: the backward graph of one node against central differences of its forward pass.
//
// Cases are data, in tests/numeric/gradients/cases/<family>.ts, which exports `cases`, a list of `gradientCases("Operator", [...])`;
// tests/numeric/gradients/<family>.test.ts runs them by `runGradientCases(cases)`. The conformance walk reads the same data.
// The loss of a case is sum(output * fixed random numbers) over its float outputs. Every case also compares each value that the
// backward pass writes with the shape and type that the emitter gave it.
//
// Where ONNX Runtime's CPU has float64 kernels (the default; 1e-6 relative):
//   gradientCases("Mul", [{ name: "broadcast", inputs: { a: [3, 1, 5], b: [4, 1] } }])
// Integer constants are plain lists; `order` where inputs and constants are mixed:
//   { name: "axes", inputs: { x: [2, 3, 5] }, constants: { axes: [-1, 0] }, attributes: { keepdims: 0 } }
// Where it has none: `definition` in float64, in plain loops or as a graph of float64 operators. It is compared with the float32
// kernel (1e-5), and the float32 gradient with its differences (1e-4):
//   { name: "slope", inputs: { x: [3, 5] }, attributes: { alpha: 0.2 }, definition: perElement((x) => (x > 0 ? x : Math.fround(0.2) * x)) }
//   { name: "mish", inputs: { x: [3, 5] }, definition: { graph: (emit, [x]) => [emit.mul(x!, emit.tanh(emit.op("Softplus", [x!])))] } }
// Linear operators: `linear: true` (all inputs together) or the names they are linear in: also <J v, u> = <v, J^T u>, in what the
// case computes in. `dtype: "float32"` without definition is for these only: unit steps from zero are then exact.
//   { name: "rows", inputs: { x: [5, 3] }, constants: { indices: { dims: [2], values: [4, 0], dtype: "int64" } }, linear: true }
// Kinks, the loss being the sum of the outputs:
//   { ..., kinks: [{ name: "zero", at: { x: [0, -0] }, expected: { x: [0, 0] } }] }
// Automatically with the first case of an operator: float32; each differentiable input once as an unasked initializer, used by
// nothing; the operator twice on the same inputs beside a direct use of each; two inputs of one shape fed by one value.

import { describe, expect, test } from "vitest";
import type { AttributeInput } from "../../src/ir/attributes.js";
import type { Node } from "../../src/ir/model.js";
import type { DType } from "../../src/tensor/dtype.js";
import type { Random } from "../../src/tensor/random.js";
import type { Emitter } from "../../src/train/emitter.js";
import { checkCase, checkKink, checkVariants, withCase } from "./gradient-check.js";

/** Numbers of one value, as float64 whatever the type. */
export interface Numbers64 {
  readonly dims: readonly number[];
  readonly data: Float64Array;
}

/** `count` numbers; keep away from kinks and ties by more than 1e-3. */
export type Draw = (random: Random, count: number) => readonly number[];

/** Dimensions, drawn normal; or drawn otherwise; or stated. */
export type CaseInput = readonly number[] | { readonly dims: readonly number[]; readonly draw: Draw } | Stated;

interface Stated {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** A list is int64 [n]; a number is a scalar of the case's float type; `dtype` default: the case's float type. */
export type CaseConstant = readonly number[] | number | (Stated & { readonly dtype?: DType });

export type Attributes = Readonly<Record<string, AttributeInput>>;

/** The operator in float64; inputs as the node has them (constants too), "" undefined. Trailing outputs may be left out. */
export type Definition =
  | ((inputs: readonly (Numbers64 | undefined)[], attributes: Attributes) => readonly Numbers64[])
  | { readonly graph: (emit: Emitter, inputs: readonly string[]) => readonly string[] };

export interface Kink {
  readonly name: string;
  /** Every input of the case; a list is one-dimensional. */
  readonly at: Readonly<Record<string, readonly number[] | Stated>>;
  /** Gradients of the sum of the outputs, as PyTorch gives them. */
  readonly expected: Readonly<Record<string, readonly number[]>>;
}

export interface GradientCase {
  readonly name: string;
  /** Float inputs, in the order of the node unless `order` is given. */
  readonly inputs: Readonly<Record<string, CaseInput>>;
  /** Initializers; after the inputs unless `order` is given. */
  readonly constants?: Readonly<Record<string, CaseConstant>>;
  /** The node's inputs by name, "" for one left out. */
  readonly order?: readonly string[];
  readonly attributes?: Attributes;
  /** Of the default domain; default 21. */
  readonly opset?: number;
  /** How many outputs the node has; default 1. */
  readonly outputs?: number;
  /** Indices of the outputs that the loss reads; default: all float ones. */
  readonly loss?: readonly number[];
  /** Inputs whose gradients are asked for; default all. */
  readonly wrt?: readonly string[];
  /** Default float64, with a definition float32. */
  readonly dtype?: "float64" | "float32";
  readonly definition?: Definition;
  /** What is differentiated instead of the node, where it has no rule but a lowering: gives the results by output index. */
  readonly lower?: (node: Node, emit: Emitter) => readonly string[];
  readonly linear?: boolean | readonly string[];
  readonly kinks?: readonly Kink[];
  /** Relative, instead of 1e-6 (float64) or 1e-4 (float32). */
  readonly tolerance?: number;
  /** False where the operator has no float32 kernel beside the float64 one. */
  readonly float32?: false;
  /** False where one value fed to two inputs is a kink (Max). */
  readonly sameTwice?: false;
}

export interface OperatorCases {
  /** "OpType" or "domain:OpType". */
  readonly operator: string;
  readonly cases: readonly GradientCase[];
}

export const gradientCases = (operator: string, cases: readonly GradientCase[]): OperatorCases => ({ operator, cases });

export function runGradientCases(families: readonly OperatorCases[]): void {
  for (const { operator, cases } of families) {
    describe(operator, () => {
      test.each(cases)("$name", async (one) => {
        await withCase(operator, one, async (open) => {
          await checkCase(open);
          if (one === cases[0]) await checkVariants(open);
        });
        for (const kink of one.kinks ?? []) {
          await withCase(operator, { ...one, inputs: inputsAt(kink) }, (open) => checkKink(open, kink));
        }
      });
      test("has names that differ", () => {
        expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
      });
    });
  }
}

const inputsAt = ({ at }: Kink): GradientCase["inputs"] =>
  Object.fromEntries(
    Object.entries(at).map(([name, one]) => [name, "dims" in one ? one : { dims: [one.length], values: one }]),
  );

// --- draws and definitions that several families use

const list = (count: number, make: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => make(index));

export const normal: Draw = (random, count) => list(count, () => random.normal());

/** Uniform in [low, high). */
export const uniform =
  (low: number, high: number): Draw =>
  (random, count) =>
    list(count, () => low + (high - low) * random.next());

/** Normal, at least `margin` (default 0.05) from each of `kinks`. */
export const away =
  (kinks: readonly number[], margin = 0.05): Draw =>
  (random, count) =>
    list(count, () => {
      for (;;) {
        const drawn = random.normal();
        if (kinks.every((kink) => Math.abs(drawn - kink) >= margin)) return drawn;
      }
    });

/** Evenly spaced numbers in random order, none near zero: for operators that choose one of several. */
export const distinct: Draw = (random, count) => {
  const drawn = list(count, (index) => ((index + 0.5) / count - 0.5) * 4);
  for (let i = count - 1; i > 0; i--) {
    const j = random.int(i + 1);
    [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!];
  }
  return drawn;
};

/** The definition of an operator of one input, element by element. */
export const perElement =
  (f: (x: number) => number): Definition =>
  ([x]) => [{ dims: x!.dims, data: x!.data.map(f) }];

/** 2 / sqrt(pi) exp(-x^2) sum of 2^n x^(2n+1) / (2n+1)!!: all terms of one sign, so no digit is lost. */
export function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
