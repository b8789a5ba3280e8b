// One number for each window of each channel: channels pass, pixels stay.

import { intOf, intsOf, stringOf } from "../../ir/attributes.js";
import { inputOf, keepAxes, leaveAll, outputOf, passAll } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const pool = defineChannelRule({
  name: "pool",
  summary: "MaxPool, AveragePool, LpPool and their global forms: channels pass",
  reference: "https://onnx.ai/onnx/operators/onnx__MaxPool.html",
  operators: ["MaxPool", "AveragePool", "LpPool", "GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const { opType, outputs } = flow.node;
    passAll(flow, from, to, (axis) => axis > 1);
    for (const value of [from, to]) {
      keepAxes(flow, value, (axis) => axis > 1, `the windows of ${opType} lie along it`);
      // They count elements of the whole sample.
      if ((outputs[1] ?? "") !== "")
        flow.keep({ value, axis: 1 }, "the indices that MaxPool gives depend on the channels");
    }
  },
  rests(rests) {
    const uneven = isUneven(rests);
    leaveAll(rests, inputOf(rests, 0), outputOf(rests, 0), (rest) => (rest === 0 || !uneven ? rest : undefined));
  },
});

/** Whether a channel of one number other than 0 may give others: the norm does, and zeros of the border that are counted. */
function isUneven({ node }: ChannelNode): boolean {
  if (node.opType === "LpPool" || node.opType === "GlobalLpPool") return true;
  if (node.opType !== "AveragePool") return false;
  const padded =
    (intsOf(node, "pads") ?? []).some((amount) => amount > 0) ||
    stringOf(node, "auto_pad", "NOTSET").startsWith("SAME");
  return intOf(node, "count_include_pad", 0) === 1 && padded;
}
