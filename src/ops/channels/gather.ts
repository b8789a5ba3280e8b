// Rows by index. Constant indices pick channels, and are counted anew when some of those are gone; computed indices could
// pick any row, so that all rows stay. What lies across passes: the columns of an embedding are its channels.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, outputOf, withInput } from "./passing.js";
import { type Axis, type ChannelNode, defineChannelRule, type Flow } from "./rule.js";

export const gather = defineChannelRule({
  name: "gather",
  summary: "Gather: constant indices pick channels, computed ones rows that stay",
  reference: "https://onnx.ai/onnx/operators/onnx__Gather.html",
  operators: ["Gather"],
  flow(flow) {
    const along = alongOf(flow);
    for (const [from, to] of acrossOf(flow)) flow.tie(from, to);
    const picked = pickedOf(flow);
    if (picked !== undefined) pick(flow, along, picked);
    else flow.keep(along, "its rows are looked up by computed indices");
    if (flow.isFixed(inputOf(flow, 1))) return;
    const indices = inputOf(flow, 1);
    for (const axis of flow.dims(indices).keys()) {
      flow.tie({ value: indices, axis }, { value: outputOf(flow, 0), axis: along.axis + axis });
    }
  },
  rests(rests) {
    for (const [from, to] of acrossOf(rests)) rests.leaves(to, rests.rest(from));
    const along = alongOf(rests);
    if (pickedOf(rests) !== undefined && rests.dims(inputOf(rests, 1)).length === 1) {
      rests.leaves({ value: outputOf(rests, 0), axis: along.axis }, rests.rest(along));
    }
  },
  cut(cut) {
    const along = alongOf(cut);
    const kept = cut.kept(along);
    const picked = pickedOf(cut);
    if (kept === undefined || picked === undefined) return undefined;
    const place = new Map(kept.map((position, at) => [position, at]));
    const indices = inputOf(cut, 1);
    const left = picked.flatMap((position) => place.get(position) ?? []);
    const dims = cut.dims(indices).length === 1 ? [left.length] : cut.dims(indices);
    return withInput(cut.node, 1, cut.ints(indices, left, dims));
  },
});

/** One axis of indices makes one axis of channels; of none or several, the rows that are picked stay. */
function pick(flow: Flow, along: Axis, picked: readonly number[]): void {
  if (flow.dims(inputOf(flow, 1)).length === 1) {
    flow.place({ value: outputOf(flow, 0), axis: along.axis }, along, (position) => picked[position]);
  } else {
    const wanted = new Set(picked);
    flow.keep(along, "Gather takes it", (position) => wanted.has(position));
  }
}

const alongOf = (node: ChannelNode): Axis => ({
  value: inputOf(node, 0),
  axis: fromFront(intOf(node.node, "axis", 0), node.dims(inputOf(node, 0)).length),
});

/** Positions that constant indices take. */
function pickedOf(node: ChannelNode): readonly number[] | undefined {
  const { value, axis } = alongOf(node);
  return node.numbers(inputOf(node, 1))?.map((index) => fromFront(index, node.dims(value)[axis]!));
}

function acrossOf(node: ChannelNode): (readonly [Axis, Axis])[] {
  const along = alongOf(node);
  const to = outputOf(node, 0);
  const more = node.dims(inputOf(node, 1)).length - 1;
  return [...node.dims(along.value).keys()]
    .filter((axis) => axis !== along.axis)
    .map((axis) => [
      { value: along.value, axis },
      { value: to, axis: axis < along.axis ? axis : axis + more },
    ]);
}
