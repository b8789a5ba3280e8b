// Sums over channels that hold 0 do not miss them. Sums of absolute values and of squares neither.

import { inputOf, keepAll } from "./passing.js";
import { passAcross, reducedOf } from "./reduced.js";
import { defineChannelRule } from "./rule.js";

export const reduceSum = defineChannelRule({
  name: "reduce-sum",
  summary: "ReduceSum, ReduceL1, ReduceL2, ReduceSumSquare: channels at zero may go",
  reference: "https://onnx.ai/onnx/operators/onnx__ReduceSum.html",
  operators: ["ReduceSum", "ReduceL1", "ReduceL2", "ReduceSumSquare"],
  flow(flow) {
    const reduced = reducedOf(flow);
    if (reduced === undefined) return keepAll(flow, `the axes of ${flow.node.opType} are computed`);
    passAcross(flow, reduced);
    for (const axis of reduced.over) flow.free({ value: inputOf(flow, 0), axis });
  },
  rests(rests) {
    const reduced = reducedOf(rests);
    if (reduced === undefined) return;
    for (const axis of reduced.over) rests.sums({ value: inputOf(rests, 0), axis }, "zero");
    for (const [from, to] of reduced.across) rests.leaves(to, rests.rest(from) === 0 ? 0 : undefined);
  },
});
