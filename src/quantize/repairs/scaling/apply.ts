// Writes the factors of a group: what makes the activation is divided by them, the weights that it meets are multiplied.

import type { GraphEditor } from "../../../ir/edit.js";
import { numbersOf } from "../../../passes/constants.js";
import { type Rows, scaledWeight } from "../../../passes/scaled-weight.js";
import { toFloat16 } from "../../../tensor/float16.js";
import { type Tensor, tensor } from "../../../tensor/tensor.js";
import { type ChannelMap, gathered, NONE, stridesOf } from "./channels.js";
import type { Factor, Group } from "./groups.js";
import { type Change, fitsIn, isOwn, padded } from "./plan.js";

/** `scales`: one for each channel, finite and above 0, alike where channels are tied. */
export async function applyScales(editor: GraphEditor, group: Group, scales: Float64Array): Promise<void> {
  for (const change of group.changes) await divide(editor, change, scales);
  for (const name of new Set(group.factors.map(({ weight }) => weight.name))) {
    const factor = group.factors.find(({ weight }) => weight.name === name)!;
    editor.setInitializer(name, scaledWeight(editor.initializer(name) as Tensor, rowsOf(factor, scales)));
  }
}

/** The rows of a weight that belong to one channel each. */
export function rowsOf({ weight, along }: Factor, scales: Float64Array): Rows {
  const channels = scales.length;
  if (along === "rows") return { length: weight.elements / channels, factor: (row) => scales[row]! };
  return { length: 1, factor: (row) => scales[row % channels]! };
}

/** The weight as it now stands in the graph, times the scales. */
export function scaledFactor(editor: GraphEditor, factor: Factor, scales: Float64Array | undefined): Factor["weight"] {
  const own = editor.initializer(factor.weight.name) as Factor["weight"]["tensor"];
  const scaled = scales === undefined ? own : (scaledWeight(own, rowsOf(factor, scales)) as typeof own);
  return { ...factor.weight, tensor: scaled };
}

async function divide(editor: GraphEditor, { node: given, input, map, inverse }: Change, scales: Float64Array) {
  const node = editor.current(given)!;
  const name = node.inputs[input]!;
  const constant = editor.constant(name) as Tensor;
  const factor = (id: number) => (id === NONE ? 1 : inverse ? scales[id]! : 1 / scales[id]!);
  const made = fitsIn(constant.dims, map.dims)
    ? scaledWeight(constant, rowsWith(constant.dims, map, factor))
    : await spread(constant, map, factor);
  if (isOwn(editor, node, name)) {
    editor.setInitializer(name, made);
    return;
  }
  const copy = editor.unique(`${name}_scaled`);
  editor.setInitializer(copy, made);
  editor.replace(node, [{ ...node, inputs: node.inputs.map((one, at) => (at === input ? copy : one)) }]);
}

/** Rows of a constant that have one factor: as long as the innermost axes along which none changes. */
function rowsWith(dims: readonly number[], map: ChannelMap, factor: (id: number) => number): Rows {
  const own = padded(map.dims, dims.length).slice(-dims.length || undefined);
  const last = own.findLastIndex((size) => size > 1);
  const length = dims.slice(last + 1).reduce((all, size) => all * size, 1);
  const outer = dims.slice(0, last + 1);
  const strides = stridesOf(own).map((stride, axis) => (own[axis] === 1 ? 0 : stride));
  const ids = gathered(outer, strides, map.ids);
  return { length, factor: (row) => factor(ids[row]!) };
}

/** A constant of fewer numbers than the map has places: one number for each. */
async function spread(constant: Tensor, map: ChannelMap, factor: (id: number) => number): Promise<Tensor> {
  const rank = Math.max(constant.dims.length, map.dims.length);
  const [own, places] = [padded(constant.dims, rank), padded(map.dims, rank)];
  const dims = own.map((size, axis) => Math.max(size, places[axis]!));
  const numbers = (await numbersOf(constant))!;
  const at = (sizes: readonly number[], of: Int32Array) => {
    const strides = stridesOf(sizes).map((stride, axis) => (sizes[axis] === 1 ? 0 : stride));
    return gathered(dims, strides, of);
  };
  const from = at(own, Int32Array.from(numbers.keys()));
  const ids = at(places, map.ids);
  const values = Float64Array.from(from, (place, index) => numbers[place]! * factor(ids[index]!));
  // Axes of one place that the constant did not have are left out again.
  let first = 0;
  while (rank - first > constant.dims.length && dims[first] === 1) first++;
  const kept = dims.slice(first);
  if (constant.dtype === "float64") return tensor("float64", kept, values);
  if (constant.dtype === "float16") return tensor("float16", kept, toFloat16(Float32Array.from(values)));
  return tensor("float32", kept, Float32Array.from(values));
}
