// Sizes as numbers. After a cut they are what they were before it, so that everything computed from them (a scale, the
// width of a head, positions) is what it is in the masked model; nodes that make values of given sizes have these rewritten.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, outputOf } from "./passing.js";
import { type Cut, defineChannelRule } from "./rule.js";
import { type Scaling, withScaling } from "./sizes.js";

export const shape = defineChannelRule({
  name: "shape",
  summary: "Shape, Size: sizes as they were before the cut",
  reference: "https://onnx.ai/onnx/operators/onnx__Shape.html",
  operators: ["Shape", "Size"],
  flow(flow) {
    const from = inputOf(flow, 0);
    for (const axis of flow.dims(from).keys()) flow.free({ value: from, axis });
  },
  cut(cut) {
    const counted = cut.fresh(outputOf(cut, 0));
    const scaling = cut.node.opType === "Size" ? total(cut) : perAxis(cut);
    if (scaling.size === 0) return undefined;
    const { nodes } = withScaling(cut, counted, scaling, cut.dims(outputOf(cut, 0)), true);
    const given = { ...cut.node, outputs: [counted] };
    const last = nodes.at(-1)!;
    return [given, ...nodes.slice(0, -1), { ...last, outputs: cut.node.outputs }];
  },
});

function perAxis(cut: Cut): Map<number, Scaling> {
  const from = inputOf(cut, 0);
  const [before, after] = [cut.dims(from), cut.after(from)];
  const rank = before.length;
  const clamp = (bound: number) => Math.min(Math.max(fromFront(bound, rank), 0), rank);
  const start = clamp(intOf(cut.node, "start", 0));
  const end = clamp(intOf(cut.node, "end", rank));
  const scaling = new Map<number, Scaling>();
  for (let axis = start; axis < end; axis++) {
    if (before[axis] !== after[axis]) scaling.set(axis - start, { before: after[axis]!, after: before[axis]! });
  }
  return scaling;
}

/** The number of elements: all cuts at once. */
function total(cut: Cut): Map<number, Scaling> {
  const count = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
  const [before, after] = [count(cut.dims(inputOf(cut, 0))), count(cut.after(inputOf(cut, 0)))];
  return new Map(before === after ? [] : [[0, { before: after, after: before }]]);
}
