// Codes whose range is found when the model runs.

import { defineChannelRule } from "./rule.js";

export const dynamicQuantizeLinear = defineChannelRule({
  name: "dynamic-quantize-linear",
  summary: "Codes of a range that always holds 0: channels of zeros change nothing",
  reference: "https://onnx.ai/onnx/operators/onnx__DynamicQuantizeLinear.html",
  operators: ["DynamicQuantizeLinear"],
  flow(flow) {
    const [x] = flow.node.inputs;
    const [y] = flow.node.outputs;
    for (const axis of flow.dims(x!).keys()) flow.tie({ value: x!, axis }, { value: y!, axis });
  },
  rests(rests) {
    const [x] = rests.node.inputs;
    for (const axis of rests.dims(x!).keys()) {
      // Any other number takes part in the range.
      if (rests.rest({ value: x!, axis }) === 0) rests.leaves({ value: rests.node.outputs[0]!, axis }, 0);
      else rests.keep({ value: x!, axis }, "its channels take part in the range that is quantized");
    }
  },
});
