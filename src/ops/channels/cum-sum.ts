// Sums of all positions so far: the axis stays, all others pass.

import { fromFront, inputOf, keepAll, keepAxes, leaveAll, outputOf, passAll } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const cumSum = defineChannelRule({
  name: "cum-sum",
  summary: "CumSum: all axes but the summed one pass",
  reference: "https://onnx.ai/onnx/operators/onnx__CumSum.html",
  operators: ["CumSum"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const along = alongOf(flow);
    if (along === undefined) return keepAll(flow, "the axis of CumSum is computed");
    passAll(flow, from, to, (axis) => axis === along);
    for (const value of [from, to]) keepAxes(flow, value, (axis) => axis === along, "CumSum adds positions along it");
  },
  rests: (rests) => leaveAll(rests, inputOf(rests, 0), outputOf(rests, 0), (rest) => (rest === 0 ? 0 : undefined)),
});

function alongOf(node: ChannelNode): number | undefined {
  const axis = node.numbers(inputOf(node, 1))?.[0];
  return axis === undefined ? undefined : fromFront(axis, node.dims(inputOf(node, 0)).length);
}
