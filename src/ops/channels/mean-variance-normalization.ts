// Mean 0 and deviation 1 over some axes, with no weights: those axes stay, the others pass.

import { intsOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes, outputOf, passAll } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const meanVarianceNormalization = defineChannelRule({
  name: "mean-variance-normalization",
  summary: "MeanVarianceNormalization: axes that it takes no mean over pass",
  reference: "https://onnx.ai/onnx/operators/onnx__MeanVarianceNormalization.html",
  operators: ["MeanVarianceNormalization"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const normalised = axesOf(flow);
    const stays = (axis: number) => normalised.includes(axis);
    passAll(flow, from, to, stays);
    for (const value of [from, to]) keepAxes(flow, value, stays, "MeanVarianceNormalization takes its mean over it");
  },
  // Of equal numbers it is 0 divided by next to nothing, or by 0: runtimes differ, so nothing is known of a masked channel.
});

const axesOf = (node: ChannelNode) =>
  (intsOf(node.node, "axes") ?? [0, 2, 3]).map((axis) => fromFront(axis, node.dims(inputOf(node, 0)).length));
