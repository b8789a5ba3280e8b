// Nodes that put the non-zeros of a weight back in their places. Every value has a shape that shape inference knows: ONNX
// Runtime does not fold a node whose result it cannot foresee (NonZero and Compress would be shorter).

import type { Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { int64, type TensorData, tensor } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { highByte, lowByte } from "../extract/byte-plane.js";
import { Shared } from "../extract/shared.js";
import { digitTable, integers, type TablePlace } from "../extract/tables.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import type { GapBits } from "./non-zeros.js";

/** Constants and nodes that make the weight, of the values whose name is given. */
export interface Placing {
  readonly parts: Parts;
  readonly nodes: readonly Node[];
}

/** Lowest opsets: CumSum and ScatterElements came with 11, Max of integers with 12. */
export const OPSETS = { bitmask: 12, gaps: 11 } as const;

/**
 * `values`: [non-zeros + 1], a zero first; with `bare` that zero is put there. For each byte of the mask: how many non-zeros stand before it (a running sum of
 * counts from a table of 256), and from a table [256, 8] how many of its own stand up to each bit; together the place among the values, or below
 * zero where the bit is not set.
 */
export function placeByMask(edits: Edits, weight: Weight, values: string, mask: TensorData, bare: boolean): Placing {
  const name = edits.fresh(`${weight.name}_mask`);
  const chain = new Chain(edits, weight);
  const { place, shared } = chain;
  const { graph } = weight;
  const bits = digitTable(place, { radix: 2, each: 8, multiplier: 1 }, [8], 0, "int32");
  const within = shared.made(graph, "bits_within", "CumSum", [bits, scalar(place, 1)]);
  const counts = shared.made(graph, "bit_counts", "Gather", [within, scalar(place, 7)], { axis: 1 });
  const set = shared.made(graph, "bits_set", "Cast", [bits], { to: DTYPES.bool.code });
  const ranks = shared.made(graph, "bit_ranks", "Where", [set, within, int32(place, -(2 ** 30))]);
  const index = chain.value("Cast", [name], { to: DTYPES.int32.code });
  const before = chain.value("CumSum", [chain.value("Gather", [counts, index]), scalar(place, 0)], { exclusive: 1 });
  const spread = chain.value("Reshape", [before, integers(place, [-1, 1])]);
  const rank = chain.value("Add", [chain.value("Gather", [ranks, index]), spread]);
  const from = chain.value("Max", [rank, int32(place, 0)]);
  const all = bare ? chain.value("Concat", [chain.zeros([1]), values], { axis: 0 }) : values;
  let placed = chain.value("Gather", [all, from]);
  if (weight.elements % 8 !== 0) {
    placed = chain.first(chain.value("Reshape", [placed, integers(place, [-1])]), weight.elements);
  }
  const parts: Parts = [[name, { dtype: "uint8", dims: [mask.byteLength], data: mask }]];
  return { parts, nodes: chain.shaped(placed) };
}

/**
 * Gaps: [entries]; `values`: as many, or unless `exact` some more. The running sum of the gaps is where each value stands in
 * the weight laid flat.
 */
export function placeByGaps(
  edits: Edits,
  weight: Weight,
  values: string,
  gaps: TensorData,
  bits: GapBits,
  exact: boolean,
): Placing {
  const chain = new Chain(edits, weight);
  const { place } = chain;
  const count = (gaps.byteLength * 8) / bits;
  const parts: Parts[number][] = [];
  const bytes = (suffix: string, data: TensorData) => {
    const name = edits.fresh(`${weight.name}_${suffix}`);
    parts.push([name, { dtype: "uint8", dims: [count], data }]);
    return chain.value("Cast", [name], { to: DTYPES.int32.code });
  };
  const gap = () =>
    chain.value("Add", [
      chain.value("Mul", [bytes("gaps_high", highByte(gaps)), int32(place, 256)]),
      bytes("gaps_low", lowByte(gaps)),
    ]);
  const index = chain.value("CumSum", [bits === 8 ? bytes("gaps", gaps) : gap(), scalar(place, 0)]);
  const own = exact ? values : chain.first(values, count);
  const placed = chain.value("ScatterElements", [chain.zeros([weight.elements]), index, own], { axis: 0 });
  return { parts, nodes: chain.shaped(placed) };
}

/** A weight of zeros. */
export function allZero(edits: Edits, weight: Weight): Placing {
  const chain = new Chain(edits, weight);
  return { parts: [], nodes: chain.last("Identity", [chain.zeros(weight.tensor.dims)]) };
}

const scalar = ({ shared, graph }: TablePlace, value: number) =>
  shared.constant(graph, "axis", String(value), () => int64([], [value]));

const int32 = ({ shared, graph }: TablePlace, value: number) =>
  shared.constant(graph, "int32", String(value), () => tensor("int32", [], Int32Array.of(value)));

/** The nodes of one weight, in order. */
class Chain {
  readonly shared: Shared;
  readonly place: TablePlace;
  readonly #nodes: Node[] = [];

  constructor(
    edits: Edits,
    private readonly weight: Weight,
  ) {
    this.shared = Shared.of(edits);
    this.place = { shared: this.shared, graph: weight.graph };
  }

  value(opType: string, inputs: readonly string[], attributes: Parameters<typeof makeNode>[3] = {}): string {
    const output = this.shared.fresh("decode");
    this.#nodes.push(makeNode(opType, inputs, [output], attributes, "", ""));
    return output;
  }

  first(list: string, count: number): string {
    return this.value("Slice", [list, ...[0, count, 0].map((bound) => integers(this.place, [bound]))]);
  }

  last(opType: string, inputs: readonly string[]): readonly Node[] {
    this.#nodes.push(makeNode(opType, inputs, [this.weight.name], {}, "", ""));
    return this.#nodes;
  }

  shaped(flat: string): readonly Node[] {
    return this.last("Reshape", [flat, integers(this.place, this.weight.tensor.dims)]);
  }

  /** One for all weights of the same size. */
  zeros(dims: readonly number[]): string {
    const { dtype } = this.weight.tensor;
    const shape = integers(this.place, dims);
    const float = this.shared.made(this.weight.graph, "zeros", "ConstantOfShape", [shape]);
    if (dtype === "float32") return float;
    return this.shared.made(this.weight.graph, "zeros_float16", "Cast", [float], { to: DTYPES.float16.code });
  }
}
