// Mean 0 and deviation 1 over the last axes. These stay: without some of its channels every mean would be another one, and
// the mean shifts channels that hold 0. The axes before pass.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const layerNormalization = defineChannelRule({
  name: "layer-normalization",
  summary: "LayerNormalization and fused kin: only axes before the normalised ones pass",
  reference: "https://onnx.ai/onnx/operators/onnx__LayerNormalization.html",
  operators: ["LayerNormalization", "com.microsoft:SkipLayerNormalization"],
  flow(flow) {
    const first = firstAxis(flow);
    const rank = flow.dims(inputOf(flow, 0)).length;
    for (const value of new Set([...flow.node.inputs, ...flow.node.outputs])) {
      if (value === "") continue;
      const offset = flow.dims(value).length - rank;
      keepAxes(flow, value, (axis) => axis - offset >= first, `${flow.node.opType} takes its mean over it`);
    }
    const inputs = isSkip(flow) ? [0, 1] : [0];
    for (const output of flow.node.outputs) {
      if (output === "") continue;
      for (const value of inputs.map((index) => inputOf(flow, index))) {
        const offset = flow.dims(value).length - rank;
        for (let axis = Math.max(0, -offset); axis < first; axis++) {
          const from = { value, axis: axis + offset };
          if (flow.dims(value)[from.axis] !== 1) flow.tie(from, { value: output, axis });
        }
      }
    }
  },
  rests(rests) {
    // 0 everywhere along the normalised axes stays 0; then comes the shift, which may differ along them.
    if (isSkip(rests)) return;
    const shift = inputOf(rests, 2) === "" ? [0] : rests.numbers(inputOf(rests, 2));
    const even = shift?.every((number) => number === shift[0]) ? shift[0] : undefined;
    for (let axis = 0; axis < firstAxis(rests); axis++) {
      const held = rests.rest({ value: inputOf(rests, 0), axis });
      rests.leaves({ value: rests.node.outputs[0]!, axis }, held === 0 ? even : undefined);
    }
  },
});

const isSkip = ({ node }: ChannelNode) => node.opType === "SkipLayerNormalization";

function firstAxis(node: ChannelNode): number {
  const rank = node.dims(inputOf(node, 0)).length;
  return isSkip(node) ? rank - 1 : fromFront(intOf(node.node, "axis", -1), rank);
}
