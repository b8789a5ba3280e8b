// Sequences of different lengths, each backwards: time and batch stay, all else passes.

import { intOf } from "../../ir/attributes.js";
import { inputOf, keepAxes, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const reverseSequence = defineChannelRule({
  name: "reverse-sequence",
  summary: "ReverseSequence: all but time and batch passes",
  reference: "https://onnx.ai/onnx/operators/onnx__ReverseSequence.html",
  operators: ["ReverseSequence"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const stays = (axis: number) =>
      axis === intOf(flow.node, "time_axis", 0) || axis === intOf(flow.node, "batch_axis", 1);
    passAll(flow, from, to, stays);
    for (const value of [from, to]) keepAxes(flow, value, stays, "ReverseSequence moves positions along it");
  },
  rests: (rests) => rests.carries(),
});
