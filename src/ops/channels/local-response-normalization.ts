// Channels divided by what their neighbours hold: which are neighbours would change.

import { inputOf, leaveAll, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

const CHANNELS = 1;

export const localResponseNormalization = defineChannelRule({
  name: "local-response-normalization",
  summary: "LRN: all axes but the channels pass",
  reference: "https://onnx.ai/onnx/operators/onnx__LRN.html",
  operators: ["LRN"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    passAll(flow, from, to, (axis) => axis === CHANNELS);
    for (const value of [from, to]) flow.keep({ value, axis: CHANNELS }, "LRN divides each channel by its neighbours");
  },
  rests: (rests) => leaveAll(rests, inputOf(rests, 0), outputOf(rests, 0), (rest) => (rest === 0 ? 0 : undefined)),
});
