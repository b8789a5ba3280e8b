// Numbers to codes and back: one scale for all, one a channel, or one a block.

import { intOf } from "../../ir/attributes.js";
import { tieGrid } from "./codes.js";
import { defineChannelRule } from "./rule.js";

export const quantizeLinear = defineChannelRule({
  name: "quantize-linear",
  summary: "Numbers to codes and back: scales along an axis follow its channels",
  reference: "https://onnx.ai/onnx/operators/onnx__QuantizeLinear.html",
  operators: ["QuantizeLinear", "DequantizeLinear", "com.microsoft:QuantizeLinear", "com.microsoft:DequantizeLinear"],
  flow(flow) {
    const [x, scale, zero] = flow.node.inputs as readonly [string, string, string?];
    const y = flow.node.outputs[0]!;
    const rank = flow.dims(x).length;
    for (let axis = 0; axis < rank; axis++) flow.tie({ value: x, axis }, { value: y, axis });
    const stated = intOf(flow.node, "axis", 1);
    const along = stated < 0 ? stated + rank : stated;
    if (intOf(flow.node, "block_size", 0) === 0) return tieGrid(flow, { value: x, axis: along }, scale, zero);
    flow.keep({ value: x, axis: along }, "its scales are those of blocks along it");
    for (const value of [scale, zero]) {
      if (!value) continue;
      for (let axis = 0; axis < rank; axis++) {
        if (axis !== along) flow.tie({ value, axis }, { value: x, axis });
      }
    }
  },
  rests: (rests) => rests.carries(),
});
