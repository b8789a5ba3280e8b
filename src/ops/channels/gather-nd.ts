// Parts by tuples of indices: batch axes and the axes behind the indexed ones pass.

import { intOf } from "../../ir/attributes.js";
import { inputOf, outputOf } from "./passing.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const gatherNd = defineChannelRule({
  name: "gather-nd",
  summary: "GatherND: batch axes and the axes behind the indexed ones pass",
  reference: "https://onnx.ai/onnx/operators/onnx__GatherND.html",
  operators: ["GatherND"],
  flow(flow) {
    const [data, indices, to] = [inputOf(flow, 0), inputOf(flow, 1), outputOf(flow, 0)];
    const { batch, depth } = layoutOf(flow);
    for (const [from, out] of behind(flow)) flow.tie(from, out);
    for (let axis = batch; axis < batch + depth; axis++) {
      flow.keep({ value: data, axis }, "its parts are looked up by index");
    }
    if (flow.isFixed(indices)) return;
    for (let axis = 0; axis < batch; axis++) flow.tie({ value: data, axis }, { value: to, axis });
    for (let axis = 0; axis < flow.dims(indices).length - 1; axis++) {
      flow.tie({ value: indices, axis }, { value: to, axis });
    }
  },
  rests(rests) {
    for (const [from, to] of behind(rests)) rests.leaves(to, rests.rest(from));
  },
});

function layoutOf(node: ChannelNode) {
  const batch = intOf(node.node, "batch_dims", 0);
  return { batch, depth: node.dims(inputOf(node, 1)).at(-1)! };
}

/** Axes of the data behind the indexed ones, and where they are in the output. */
function behind(node: ChannelNode): (readonly [Axis, Axis])[] {
  const { batch, depth } = layoutOf(node);
  const [data, to] = [inputOf(node, 0), outputOf(node, 0)];
  const shift = node.dims(to).length - node.dims(data).length;
  return [...node.dims(data).keys()]
    .filter((axis) => axis >= batch + depth)
    .map((axis) => [
      { value: data, axis },
      { value: to, axis: axis + shift },
    ]);
}
