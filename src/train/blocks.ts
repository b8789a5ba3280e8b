// Weights as the step graph holds them. Small weights of one parameter group stand in a row, as one flat state: the
// optimizer then has a few nodes instead of a few for each of two hundred vectors. Large ones stand alone.

import { internal } from "../base/errors.js";
import { elementCount } from "../tensor/dtype.js";
import type { Value } from "../tensor/value.js";
import type { Emitter } from "./emitter.js";
import type { TrainableWeight } from "./prepared.js";

/** What the optimizer does alike to all weights of a group. */
export interface Group {
  /** Factor of the learning rate. */
  readonly rate: number;
  readonly decay: number;
}

export interface Block {
  /** Name of its state in the graph. */
  readonly name: string;
  readonly group: Group;
  readonly weights: readonly TrainableWeight[];
  /** [n] of several in a row, the weight's own dimensions of one alone. */
  readonly dims: readonly number[];
  readonly packed: boolean;
}

/** Weights of up to this many elements are packed: copies of larger ones cost more than their nodes save. */
export const PACKED = 2 ** 16;

/** `alone`: weights that something is done to one by one (a projection). */
export function blocksOf(
  weights: readonly TrainableWeight[],
  groupOf: (weight: TrainableWeight) => Group,
  alone: (weight: TrainableWeight) => boolean,
  limit = PACKED,
): Block[] {
  const rows = new Map<string, { group: Group; weights: TrainableWeight[] }>();
  const blocks: Block[] = [];
  for (const weight of weights) {
    const group = groupOf(weight);
    if (alone(weight) || elementCount(weight.dims) > limit) {
      blocks.push({ name: weight.name, group, weights: [weight], dims: weight.dims, packed: false });
      continue;
    }
    const key = `${group.rate} ${group.decay}`;
    const row = rows.get(key);
    if (row) row.weights.push(weight);
    else rows.set(key, { group, weights: [weight] });
  }
  for (const { group, weights } of rows.values()) {
    if (weights.length === 1) {
      const [weight] = weights;
      blocks.push({ name: weight!.name, group, weights, dims: weight!.dims, packed: false });
      continue;
    }
    const size = weights.reduce((sum, { dims }) => sum + elementCount(dims), 0);
    blocks.push({ name: `pare.weights.${blocks.length}`, group, weights, dims: [size], packed: true });
  }
  return blocks;
}

/** Writes the nodes that give each weight of a block from its state; weight to value. */
export function unpackedIn(emit: Emitter, block: Block, state: string): Map<string, string> {
  if (!block.packed) return new Map([[block.weights[0]!.name, state]]);
  const sizes = block.weights.map(({ dims }) => elementCount(dims));
  const parts = emit.ops(
    "Split",
    [state, emit.ints(sizes)],
    sizes.map((size) => ({ dtype: "float32", dims: [size] })),
    { attributes: { axis: 0 } },
  );
  return new Map(block.weights.map(({ name, dims }, i) => [name, emit.reshape(parts[i]!, dims)]));
}

/** Writes the nodes that put values of the block's weights in the block's own form. */
export function packedIn(emit: Emitter, block: Block, value: (weight: TrainableWeight) => string): string {
  if (!block.packed) return value(block.weights[0]!);
  const flat = block.weights.map((weight) => emit.reshape(value(weight), [elementCount(weight.dims)]));
  return emit.concat(flat, 0);
}

/** The weights in a state of the block that was read back: views, not copies. */
export function unpack(block: Block, { data }: Value): Map<string, Value> {
  if (!(data instanceof Float32Array)) throw internal(`the state ${block.name} is not float32`);
  let at = 0;
  const found = new Map<string, Value>();
  for (const { name, dims } of block.weights) {
    const size = elementCount(dims);
    found.set(name, { dtype: "float32", dims, data: data.subarray(at, at + size) });
    at += size;
  }
  return found;
}
