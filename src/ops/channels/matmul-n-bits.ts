// Matrix products with packed weights: their rows can go, what is inside their blocks cannot.

import { int } from "../../ir/attributes.js";
import { defineChannelRule } from "./rule.js";

export const matmulNBits = defineChannelRule({
  name: "matmul-n-bits",
  summary: "Rows of weights that are packed in blocks",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MatMulNBits",
  operators: ["com.microsoft:MatMulNBits"],
  flow(flow) {
    const [x, w, scale, zero, order, bias] = flow.node.inputs;
    const y = flow.node.outputs[0]!;
    const last = flow.dims(x!).length - 1;
    const columns = { value: y, axis: last };
    const count = flow.dims(w!)[0]!;
    for (let axis = 0; axis < last; axis++) flow.tie({ value: x!, axis }, { value: y, axis });
    flow.keep({ value: x!, axis: last }, "its weights are packed in blocks along it");
    flow.tie({ value: w!, axis: 0 }, columns);
    for (const value of [scale, zero]) {
      if (!value) continue;
      // Older files state them flat, row after row.
      const each = flow.dims(value)[0]! / count;
      flow.place({ value, axis: 0 }, columns, (at) => Math.floor(at / each));
    }
    if (order) flow.keep(order, "its weights are packed in blocks along it");
    if (bias) flow.tie({ value: bias, axis: 0 }, columns);
  },
  rests(rests) {
    const [x, w, , , , bias] = rests.node.inputs;
    const zero = rests.isFixed(w!) && (!bias || rests.isFixed(bias));
    rests.leaves({ value: rests.node.outputs[0]!, axis: rests.dims(x!).length - 1 }, zero ? 0 : undefined);
  },
  cut(cut) {
    const rows = cut.after(cut.node.inputs[1]!)[0]!;
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("N", int(rows)) };
  },
});
