// x Phi(x), exact by erf or by the tanh approximation (Hendrycks and Gimpel, 2016). Exact: Phi(x) + x phi(x). The tanh form is
// x s with s = sigmoid(v), v = 2 k (x + c x^3): its derivative is s + s (1 - s) x v', without a cube.

import { stringOf } from "../../ir/attributes.js";
import type { Emitter } from "../emitter.js";
import { from } from "./indicator.js";
import { defineGradient } from "./rule.js";

export const gelu = defineGradient({
  name: "gelu",
  summary: "Gelu (both approximations), and com.microsoft Gelu, BiasGelu, FastGelu",
  operators: ["Gelu", "com.microsoft:Gelu", "com.microsoft:BiasGelu", "com.microsoft:FastGelu"],
  backward({ node, emit, input, gradient, needs }) {
    const approximate = node.opType === "FastGelu" || stringOf(node, "approximate", "none") === "tanh";
    const x = input(1) === "" ? input(0) : emit.add(input(0), input(1));
    const dx = emit.mul(gradient(0)!, approximate ? approximated(emit, x) : exact(emit, x));
    // The bias is added to the input: the driver sums its gradient.
    return [needs(0) ? dx : undefined, needs(1) ? dx : undefined];
  },
});

/** (1 + erf(u) + 2 / sqrt(pi) u exp(-u^2)) / 2, u = x / sqrt(2). */
function exact(emit: Emitter, x: string): string {
  const u = emit.scale(x, Math.SQRT1_2);
  const density = emit.exp(from(emit, Math.log(2 / Math.sqrt(Math.PI)), emit.square(u)));
  const sum = emit.add(emit.op("Erf", [u]), emit.mul(u, density));
  return emit.scale(emit.shift(sum, 1), 0.5);
}

function approximated(emit: Emitter, x: string): string {
  const slope = 2 * Math.sqrt(2 / Math.PI);
  const cubic = 0.044715 * slope;
  const square = emit.square(x);
  const share = emit.sigmoid(emit.mul(x, emit.shift(emit.scale(square, cubic), slope)));
  const inner = emit.mul(x, emit.shift(emit.scale(square, 3 * cubic), slope));
  return emit.mul(share, emit.shift(emit.mul(from(emit, 1, share), inner), 1));
}
