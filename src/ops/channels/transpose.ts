// Axes in another order.

import { intsOf } from "../../ir/attributes.js";
import { inputOf, outputOf } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const transpose = defineChannelRule({
  name: "transpose",
  summary: "Transpose: axes in another order",
  reference: "https://onnx.ai/onnx/operators/onnx__Transpose.html",
  operators: ["Transpose"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const rank = flow.dims(from).length;
    const order = intsOf(flow.node, "perm") ?? [...Array(rank).keys()].reverse();
    for (const [at, axis] of order.entries()) flow.tie({ value: from, axis }, { value: to, axis: at });
  },
  rests: (rests) => rests.carries(),
});
