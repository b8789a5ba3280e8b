// Exponential below 0, linear above: below 0 the derivative is the result plus a constant. At 0 PyTorch takes the exponential
// side, and so does this.

import { floatOf } from "../../ir/attributes.js";
import { step } from "./indicator.js";
import { defineGradient } from "./rule.js";

// The defaults of the operator, as float32.
const SELU_ALPHA = Math.fround(1.6732632);
const SELU_GAMMA = Math.fround(1.050701);

export const elu = defineGradient({
  name: "elu",
  summary: "Elu, Selu, Celu; the exponential side at 0",
  operators: ["Elu", "Selu", "Celu"],
  backward({ node, emit, input, output, gradient }) {
    const y = output(0);
    const below = () => emit.min(y, emit.like(0, y));
    return [emit.mul(gradient(0)!, derivative())];

    function derivative(): string {
      const alpha = floatOf(node, "alpha", node.opType === "Selu" ? SELU_ALPHA : 1);
      if (node.opType === "Celu") return emit.shift(emit.scale(below(), 1 / alpha), 1);
      const slope = node.opType === "Selu" ? floatOf(node, "gamma", SELU_GAMMA) : 1;
      const atZero = alpha * slope;
      if (atZero === slope) return emit.shift(below(), slope);
      const above = step(emit, input(0));
      if (atZero >= 0) return emit.add(emit.shift(below(), atZero), emit.scale(above, slope - atZero));
      // A negative alpha: the result is positive on both sides.
      const rest = emit.mul(emit.shift(y, atZero), emit.shift(emit.neg(above), 1));
      return emit.add(emit.scale(above, slope), rest);
    }
  },
});
