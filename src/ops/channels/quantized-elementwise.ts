// Sums and products of codes.

import { defineChannelRule } from "./rule.js";

export const quantizedElementwise = defineChannelRule({
  name: "quantized-elementwise",
  summary: "Sums and products of codes of equal shapes",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.QLinearAdd",
  operators: ["com.microsoft:QLinearAdd", "com.microsoft:QLinearMul"],
  flow(flow) {
    const [y] = flow.node.outputs;
    const rank = flow.dims(y!).length;
    for (const value of [flow.node.inputs[0]!, flow.node.inputs[3]!]) {
      const dims = flow.dims(value);
      for (const [axis, length] of dims.entries()) {
        const to = { value: y!, axis: axis + rank - dims.length };
        if (length === flow.dims(y!)[to.axis]) flow.tie({ value, axis }, to);
        else flow.free({ value, axis });
      }
    }
  },
  rests(rests) {
    const [y] = rests.node.outputs;
    const rank = rests.dims(y!).length;
    for (let axis = 0; axis < rank; axis++) {
      const held = [rests.node.inputs[0]!, rests.node.inputs[3]!].map((value) => {
        const own = axis - rank + rests.dims(value).length;
        return (rests.dims(value)[own] ?? 1) === 1 ? undefined : rests.rest({ value, axis: own });
      });
      const zero = rests.node.opType === "QLinearMul" ? held.includes(0) : held.every((rest) => rest === 0);
      rests.leaves({ value: y!, axis }, zero ? 0 : undefined);
    }
  },
});
