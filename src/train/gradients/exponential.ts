// d exp(x) = y dx, d log(x) = dx / x, d erf(x) = 2 / sqrt(pi) exp(-x^2) dx.

import { from } from "./indicator.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const exponential = defineGradient({
  name: "exponential",
  summary: "Exp, Log, Erf",
  operators: ["Exp", "Log", "Erf"],
  backward: (site) => [site.node.opType === "Log" ? ofLog(site) : ofExp(site)],
});

const ofLog = ({ emit, input, gradient }: GradientSite) => emit.div(gradient(0)!, input(0));

function ofExp({ node, emit, input, output, gradient }: GradientSite): string {
  if (node.opType === "Exp") return emit.mul(gradient(0)!, output(0));
  // The factor stands in the exponent: one node less.
  const density = emit.exp(from(emit, Math.log(2 / Math.sqrt(Math.PI)), emit.square(input(0))));
  return emit.mul(gradient(0)!, density);
}
