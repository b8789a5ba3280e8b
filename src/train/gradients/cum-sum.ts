// Running sums and triangles are linear: the gradient is summed from the other end, or cut to the same triangle.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const cumSum = defineGradient({
  name: "cum-sum",
  summary: "CumSum (exclusive, reverse), Trilu",
  operators: ["CumSum", "Trilu"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, gradient }) {
    const dy = gradient(0)!;
    const inputs = input(1) === "" ? [dy] : [dy, input(1)];
    const dims = emit.dims(dy);
    if (node.opType === "Trilu") {
      return [emit.op("Trilu", inputs, { dims, attributes: { upper: intOf(node, "upper", 1) } })];
    }
    const reverse = 1 - intOf(node, "reverse", 0);
    return [emit.op("CumSum", inputs, { dims, attributes: { exclusive: intOf(node, "exclusive", 0), reverse } })];
  },
});
