// The same elements in other axes, with no sizes stated: nothing to rewrite.

import { inputOf, outputOf } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const flatten = defineChannelRule({
  name: "flatten",
  summary: "Flatten, Squeeze, Unsqueeze: the same elements in other axes",
  reference: "https://onnx.ai/onnx/operators/onnx__Flatten.html",
  operators: ["Flatten", "Squeeze", "Unsqueeze"],
  flow: (flow) => flow.regroup(inputOf(flow, 0), outputOf(flow, 0)),
  rests: (rests) => rests.carries(),
});
