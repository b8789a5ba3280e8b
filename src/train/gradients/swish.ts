// y = x sigmoid(a x): s + a y (1 - s). Mish is x tanh(softplus(x)), from one exponential: with e = exp(x), n = e (e + 2),
// tanh(softplus(x)) = n / (n + 2). ONNX Runtime's Softplus is dear, and e is bounded where the quotient is 1 anyway.

import { floatOf } from "../../ir/attributes.js";
import { from } from "./indicator.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const swish = defineGradient({
  name: "swish",
  summary: "Swish, com.microsoft QuickGelu, Mish",
  operators: ["Swish", "com.microsoft:QuickGelu", "Mish"],
  backward: (site) => [site.emit.mul(site.gradient(0)!, site.node.opType === "Mish" ? ofMish(site) : ofSwish(site))],
});

function ofSwish({ node, emit, input, output }: GradientSite): string {
  const alpha = floatOf(node, "alpha", node.opType === "QuickGelu" ? 1.702 : 1);
  const share = emit.sigmoid(emit.scale(input(0), alpha));
  return emit.add(share, emit.mul(emit.scale(output(0), alpha), from(emit, 1, share)));
}

/** t + x (1 - t^2) sigmoid(x), t = tanh(softplus(x)). */
function ofMish({ emit, input }: GradientSite): string {
  const x = input(0);
  const bounded = emit.exp(emit.min(x, emit.like(20, x)));
  const n = emit.mul(bounded, emit.shift(bounded, 2));
  const t = emit.div(n, emit.shift(n, 2));
  const slope = emit.mul(from(emit, 1, emit.square(t)), emit.sigmoid(x));
  return emit.add(t, emit.mul(x, slope));
}
