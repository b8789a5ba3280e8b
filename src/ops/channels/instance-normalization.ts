// Each channel of each sample to mean 0 and deviation 1, then a scale and a shift for each channel.

import { inputOf, keepAxes, outputOf } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const instanceNormalization = defineChannelRule({
  name: "instance-normalization",
  summary: "InstanceNormalization: its vectors follow the channels, which it leaves at zero",
  reference: "https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html",
  operators: ["InstanceNormalization"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    for (const axis of [0, 1]) flow.tie({ value: from, axis }, { value: to, axis });
    for (const index of [1, 2]) flow.tie({ value: inputOf(flow, index), axis: 0 }, { value: to, axis: 1 });
    for (const value of [from, to]) {
      keepAxes(flow, value, (axis) => axis > 1, "InstanceNormalization takes statistics along it");
    }
  },
  rests(rests) {
    const [scale, shift] = [1, 2].map((index) => rests.rest({ value: inputOf(rests, index), axis: 0 }));
    const held = rests.rest({ value: inputOf(rests, 0), axis: 1 });
    // What is the same everywhere is 0 without its mean.
    rests.leaves({ value: outputOf(rests, 0), axis: 1 }, scale === 0 || held === 0 ? shift : undefined);
  },
});
