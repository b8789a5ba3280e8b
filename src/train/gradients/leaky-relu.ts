// A slope below 0 and 1 above; at 0 the slope, as PyTorch has it. PRelu's slope is a weight: it gets the sum of x dy below 0.

import { floatOf } from "../../ir/attributes.js";
import { step } from "./indicator.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const leakyRelu = defineGradient({
  name: "leaky-relu",
  summary: "LeakyRelu, PRelu; the slope at 0",
  operators: ["LeakyRelu", "PRelu"],
  backward: (site) => (site.node.opType === "PRelu" ? ofPRelu(site) : [ofLeaky(site)]),
});

function ofLeaky({ node, emit, input, output, gradient }: GradientSite): string {
  const slope = floatOf(node, "alpha", 0.01);
  // With a positive slope the result has the sign of the input.
  const above = step(emit, slope > 0 ? output(0) : input(0));
  const between = slope >= 0 && slope <= 1;
  const factor = between ? emit.max(above, emit.like(slope, above)) : emit.shift(emit.scale(above, 1 - slope), slope);
  return emit.mul(gradient(0)!, factor);
}

function ofPRelu({ emit, input, gradient, needs }: GradientSite) {
  const dy = gradient(0)!;
  const above = emit.mul(dy, step(emit, input(0)));
  const below = emit.sub(dy, above);
  return [
    needs(0) ? emit.add(above, emit.mul(below, input(1))) : undefined,
    needs(1) ? emit.mul(below, input(0)) : undefined,
  ];
}
