// Mixed precision: values between operators hold float16 or bfloat16 numbers, weights and their updates float32 ones.
// CPU and WASM have no such kernels (float16 nodes are computed in float32 without rounding, bfloat16 has none), so every
// rounding is a pair of Casts, float32 -> 16 bits -> float32, around operators that stay float32: the numbers are those of
// an engine that multiplies in 16 bits, adds up in 32 and stores 16. A provider with real 16-bit kernels would take the same
// places: `write` decides what is narrow, and would give such values the narrow type in place of the pair.

import { makeNode } from "../ir/build.js";
import type { Node } from "../ir/model.js";
import { DTYPES } from "../tensor/dtype.js";
import type { Emitter } from "./emitter.js";

export type Narrow = "float16" | "bfloat16";

const words = (text: string) => new Set(text.split(/\s+/));

/** They round what they read, too: matrix products and their kind, where the time goes. */
const PRODUCTS = words("Conv ConvTranspose MatMul Gemm Einsum");

/** Their results stay float32, as PyTorch's autocast has it: sums of many, and functions that leave the range of 16 bits. */
const WIDE = words(
  `ReduceSum ReduceMean ReduceL1 ReduceL2 ReduceSumSquare ReduceProd ReduceLogSum ReduceLogSumExp Softmax LogSoftmax
  Pow Exp Log CumSum`,
);

/** Their results are among the numbers that they read: nothing is left to round. */
const EXACT = words(
  `Identity Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Expand Tile Gather GatherElements GatherND
  DepthToSpace SpaceToDepth Relu Max Min ReduceMax ReduceMin Neg Abs MaxPool GlobalMaxPool Where Trilu`,
);

/** Whether a value is narrow is known of every value that was written through this. */
export class Rounding {
  /** What is differentiated: as written, but rounding passes gradients on as they are. */
  readonly differentiated: Node[] = [];
  readonly #emit: Emitter;
  readonly #type: Narrow;
  readonly #narrow = new Set<string>();
  readonly #entered = new Map<string, string>();
  /** Gradients and what they were rounded to. */
  readonly pairs: (readonly [gradient: string, rounded: string])[] = [];

  constructor(emit: Emitter, type: Narrow) {
    this.#emit = emit;
    this.#type = type;
  }

  isNarrow(name: string): boolean {
    return this.#narrow.has(name);
  }

  /** Writes a node of the forward pass; its outputs keep their names, and are rounded where they are narrow. */
  write(node: Node): void {
    const product = node.domain === "" && PRODUCTS.has(node.opType);
    const inputs = product ? node.inputs.map((name) => (this.#isFloat(name) ? this.#enter(name) : name)) : node.inputs;
    const placed = product ? { ...node, inputs } : node;
    this.differentiated.push(placed);
    const wide = node.domain === "" && WIDE.has(node.opType);
    const narrow = product || (!wide && inputs.some((name) => this.#narrow.has(name)));
    // Statistics, of which normalisations give several beside their result, stay wide.
    const result = node.outputs[0] ?? "";
    const outputs = node.domain === "" && EXACT.has(node.opType) ? node.outputs : [result];
    const rounded = narrow ? outputs.filter((name) => this.#isFloat(name)) : [];
    for (const name of rounded) this.#narrow.add(name);
    const exact =
      node.domain === "" &&
      EXACT.has(node.opType) &&
      inputs.every((name) => !this.#isFloat(name) || this.#narrow.has(name));
    if (rounded.length === 0 || exact) {
      this.#emit.nodes.push(placed);
      return;
    }
    const raw = new Map(rounded.map((name) => [name, this.#raw(name)]));
    this.#emit.nodes.push({ ...placed, outputs: placed.outputs.map((name) => raw.get(name) ?? name) });
    for (const [name, from] of raw) this.#pair(from, name);
  }

  /** A gradient in the precision of the value that it is of. */
  gradient(gradient: string, of: string): string {
    if (!this.#narrow.has(of) || this.#narrow.has(gradient)) return gradient;
    const emit = this.#emit;
    const rounded = emit.declare(emit.unique("rounded"), emit.shape(gradient));
    this.#pair(gradient, rounded);
    this.#narrow.add(rounded);
    this.pairs.push([gradient, rounded]);
    return rounded;
  }

  /** What a product reads in place of a value. */
  #enter(name: string): string {
    if (this.#narrow.has(name)) return name;
    const known = this.#entered.get(name);
    if (known !== undefined) return known;
    const emit = this.#emit;
    const rounded = emit.declare(emit.unique(`${name}_rounded`), emit.shape(name));
    this.#pair(name, rounded);
    this.differentiated.push(makeNode("Identity", [name], [rounded]));
    this.#narrow.add(rounded);
    this.#entered.set(name, rounded);
    return rounded;
  }

  #raw(name: string): string {
    return this.#emit.declare(this.#emit.unique(`${name}_raw`), this.#emit.shape(name));
  }

  #pair(from: string, to: string): void {
    const emit = this.#emit;
    const narrow = emit.op("Cast", [from], { dtype: this.#type, attributes: { to: DTYPES[this.#type].code } });
    emit.nodes.push(makeNode("Cast", [narrow], [to], { attributes: { to: DTYPES.float32.code } }));
  }

  #isFloat(name: string): boolean {
    return name !== "" && this.#emit.dtype(name) === "float32";
  }
}

/** The largest number that rounds to 0: half the least that the type holds; a tie goes to the even one, which is 0. */
const VANISHING: Readonly<Record<Narrow, number>> = { float16: 2 ** -25, bfloat16: 2 ** -134 };

export interface Underflow {
  /** Elements of gradients that are not 0, and those of them that became 0, with the loss scale and as if without; scalars. */
  readonly gradients: string;
  readonly lost: string;
  readonly lostUnscaled: string;
}

/** Counts what roundings lost: pairs of a gradient and what it was rounded to. `scale`: the loss scale, a scalar. */
export function countUnderflow(
  emit: Emitter,
  pairs: readonly (readonly [gradient: string, rounded: string])[],
  scale: string | undefined,
  type: Narrow,
): Underflow {
  const zero = emit.number(0);
  const count = (flags: string) => emit.total(emit.cast(flags, "float32"));
  const sum = (parts: readonly string[]) => parts.reduce((all, part) => emit.add(all, part), zero);
  const bound = emit.number(VANISHING[type]);
  const vanishing = scale === undefined ? bound : emit.mul(bound, scale);
  const counts = pairs.map(([gradient, rounded]) => {
    const there = emit.not(emit.equal(gradient, zero));
    const small = emit.op("LessOrEqual", [emit.abs(gradient), vanishing], { dtype: "bool" });
    return [count(there), count(emit.and(there, emit.equal(rounded, zero))), count(emit.and(there, small))] as const;
  });
  return {
    gradients: sum(counts.map(([all]) => all)),
    lost: sum(counts.map(([, lost]) => lost)),
    lostUnscaled: sum(counts.map(([, , lost]) => lost)),
  };
}
