// Shares of a sum of exponentials: a channel of zeros has a share too, so that the axis stays. The others pass.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

/** Since then the axis is one; before, all axes from it on were taken together. */
const ONE_AXIS = 13;

export const softmax = defineChannelRule({
  name: "softmax",
  summary: "Softmax, LogSoftmax, Hardmax: all axes but the normalised ones pass",
  reference: "https://onnx.ai/onnx/operators/onnx__Softmax.html",
  operators: ["Softmax", "LogSoftmax", "Hardmax"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const one = flow.opset >= ONE_AXIS;
    const first = fromFront(intOf(flow.node, "axis", one ? -1 : 1), flow.dims(from).length);
    const stays = (axis: number) => (one ? axis === first : axis >= first);
    passAll(flow, from, to, stays);
    const reason = `${flow.node.opType} gives a share to channels of zeros along it too`;
    for (const value of [from, to]) keepAxes(flow, value, stays, reason);
  },
});
