// Reductions that a channel of 0 takes part in like any other: what they are over stays, all else passes.

import { inputOf, keepAll } from "./passing.js";
import { passAcross, reducedOf } from "./reduced.js";
import { defineChannelRule, type Rest } from "./rule.js";

/** What a reduction makes of one number everywhere, where that does not depend on how many there are. */
const OF_EQUAL: Readonly<Record<string, (rest: number) => Rest>> = {
  ReduceMax: (rest) => rest,
  ReduceMin: (rest) => rest,
  ReduceProd: (rest) => (rest === 0 || rest === 1 ? rest : undefined),
};

export const reduceMax = defineChannelRule({
  name: "reduce-max",
  summary: "ReduceMax, ReduceMin, ReduceProd, ReduceLogSum(Exp), ArgMax, ArgMin: axes across pass",
  reference: "https://onnx.ai/onnx/operators/onnx__ReduceMax.html",
  operators: ["ReduceMax", "ReduceMin", "ReduceProd", "ReduceLogSum", "ReduceLogSumExp", "ArgMax", "ArgMin"],
  flow(flow) {
    const { opType } = flow.node;
    const reduced = reducedOf(flow);
    if (reduced === undefined) return keepAll(flow, `the axes of ${opType} are computed`);
    passAcross(flow, reduced);
    const reason = `${opType} over it does not leave out a channel of zeros`;
    for (const axis of reduced.over) flow.keep({ value: inputOf(flow, 0), axis }, reason);
  },
  rests(rests) {
    const ofEqual = OF_EQUAL[rests.node.opType];
    for (const [from, to] of reducedOf(rests)?.across ?? []) {
      const held = rests.rest(from);
      rests.leaves(to, held === undefined ? undefined : ofEqual?.(held));
    }
  },
});
