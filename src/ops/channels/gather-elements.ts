// An element by index at every position: the axes across pass, the one along which elements are chosen stays.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, outputOf } from "./passing.js";
import { type Axis, type ChannelNode, defineChannelRule } from "./rule.js";

export const gatherElements = defineChannelRule({
  name: "gather-elements",
  summary: "GatherElements: the axes across pass",
  reference: "https://onnx.ai/onnx/operators/onnx__GatherElements.html",
  operators: ["GatherElements"],
  flow(flow) {
    const [data, indices, to] = [inputOf(flow, 0), inputOf(flow, 1), outputOf(flow, 0)];
    const along = alongOf(flow);
    for (const value of [data, indices, to]) {
      flow.keep({ value, axis: along }, "its elements are looked up by index");
    }
    for (const [from, out] of acrossOf(flow)) {
      flow.tie(from, out);
      // Indices that are stored for each channel are no weights to mask: their channels stay.
      if (flow.isFixed(indices)) flow.keep(out, "GatherElements has constant indices for it");
      else flow.tie({ value: indices, axis: from.axis }, out);
    }
  },
  rests(rests) {
    for (const [from, to] of acrossOf(rests)) rests.leaves(to, rests.rest(from));
  },
});

const alongOf = (node: ChannelNode) => fromFront(intOf(node.node, "axis", 0), node.dims(inputOf(node, 0)).length);

function acrossOf(node: ChannelNode): (readonly [Axis, Axis])[] {
  const along = alongOf(node);
  return [...node.dims(inputOf(node, 0)).keys()]
    .filter((axis) => axis !== along)
    .map((axis) => [
      { value: inputOf(node, 0), axis },
      { value: outputOf(node, 0), axis },
    ]);
}
