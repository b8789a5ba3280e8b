// A model whose channels are scaled inside: weights and offsets take the factors, what it computes stays.

import { GraphEditor } from "../../../ir/edit.js";
import type { Graph } from "../../../ir/model.js";
import { numbersOf } from "../../../passes/constants.js";
import { scaledWeight } from "../../../passes/scaled-weight.js";
import { elementCount } from "../../../tensor/dtype.js";
import { toFloat16 } from "../../../tensor/float16.js";
import { float32, type Tensor, tensor } from "../../../tensor/tensor.js";
import type { Offset, Trace, TracedLayer } from "./trace.js";

/** Channel x becomes x / scale, everywhere at once. Weights are read when the result is; offsets are read now. */
export async function rescaled(graph: Graph, { classes, layers, offsets }: Trace, scales: ReadonlyMap<number, number>) {
  const scaleOf = (id: number) => scales.get(classes.find(id)) ?? 1;
  const editor = new GraphEditor(graph);
  const touched: TracedLayer[] = [];
  for (const traced of layers) {
    const { layer, reads, writes } = traced;
    const [into, from] = [reads?.map(scaleOf), writes.map(scaleOf)];
    if (!from.some((scale) => scale !== 1) && !into?.some((scale) => scale !== 1)) continue;
    touched.push(traced);
    const factor = (row: number) => (into ? into[layer.inputOf(row)]! : 1) / from[layer.outputOf(row)]!;
    editor.setInitializer(layer.weight, scaledWeight(layer.tensor, { length: layer.length, factor }));
  }
  for (const offset of offsets) {
    const from = offset.ids.map(scaleOf);
    if (!from.some((scale) => scale !== 1)) continue;
    await rescaleOffset(editor, offset, from);
  }
  return { graph: editor.done(), touched };
}

async function rescaleOffset(editor: GraphEditor, { node, input, axis }: Offset, scales: readonly number[]) {
  const current = editor.current(node)!;
  const name = current.inputs[input]!;
  const constant = editor.initializer(name)! as Tensor;
  const values = (await numbersOf(constant))!;
  const scaled = scales.map((scale, channel) => values[values.length === 1 ? 0 : channel]! / scale);
  // One number for all becomes one for each channel.
  const dims =
    elementCount(constant.dims) === scaled.length
      ? constant.dims
      : [scaled.length, ...Array<number>(-1 - axis).fill(1)];
  const value =
    constant.dtype === "float16"
      ? tensor("float16", dims, toFloat16(Float32Array.from(scaled)))
      : float32(dims, scaled);
  const exclusive =
    editor.consumers(name).length === 1 &&
    current.inputs.filter((one) => one === name).length === 1 &&
    !editor.isOutput(name);
  const target = exclusive ? name : editor.unique(`${name}_equalized`);
  editor.setInitializer(target, value);
  if (target === name) return;
  editor.replace(current, [{ ...current, inputs: current.inputs.map((one, at) => (at === input ? target : one)) }]);
}
