// A mean over channels that hold 0: the sum does not miss them, the number to divide by does. With n of N left the mean of
// what is left is multiplied by n/N.

import { makeNode } from "../../ir/build.js";
import { inputOf, keepAll, outputOf } from "./passing.js";
import { passAcross, reducedOf } from "./reduced.js";
import { defineChannelRule } from "./rule.js";
import { floatScalar, isFloatType } from "./scaled-vector.js";

export const reduceMean = defineChannelRule({
  name: "reduce-mean",
  summary: "ReduceMean: channels at zero may go, the mean is corrected",
  reference: "https://onnx.ai/onnx/operators/onnx__ReduceMean.html",
  operators: ["ReduceMean"],
  flow(flow) {
    const reduced = reducedOf(flow);
    if (reduced === undefined) return keepAll(flow, "the axes of ReduceMean are computed");
    passAcross(flow, reduced);
    const from = inputOf(flow, 0);
    for (const axis of reduced.over) {
      if (isFloatType(flow.dtype(from))) flow.free({ value: from, axis });
      else flow.keep({ value: from, axis }, "a mean of integers cannot be corrected");
    }
  },
  rests(rests) {
    const reduced = reducedOf(rests);
    if (reduced === undefined) return;
    for (const axis of reduced.over) rests.sums({ value: inputOf(rests, 0), axis }, "zero");
    for (const [from, to] of reduced.across) rests.leaves(to, rests.rest(from));
  },
  cut(cut) {
    const [from, to] = [inputOf(cut, 0), outputOf(cut, 0)];
    const over = reducedOf(cut)?.over ?? [];
    const after = cut.after(from);
    const left = over.reduce((ratio, axis) => (ratio * after[axis]!) / cut.dims(from)[axis]!, 1);
    if (left === 1) return undefined;
    const mean = cut.fresh(to);
    const factor = cut.constant(`${to}_left`, floatScalar(cut.dtype(to), left));
    return [{ ...cut.node, outputs: [mean] }, makeNode("Mul", [mean, factor], [to])];
  },
});
