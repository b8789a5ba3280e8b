// d(x^b) = b x^(b-1) dx + x^b log(x) db. Constant exponents in few cheap nodes: a general Pow is dear.

import { truth } from "./indicator.js";
import { defineGradient, type GradientSite } from "./rule.js";

export const pow = defineGradient({
  name: "pow",
  summary: "Pow (constant and computed exponents), Sqrt",
  operators: ["Pow", "Sqrt"],
  backward(site) {
    const { node, emit, input, output, gradient, needs } = site;
    const dy = gradient(0)!;
    if (node.opType === "Sqrt") return [emit.div(emit.scale(dy, 0.5), output(0))];
    const exponents = emit.constant(input(1));
    const [exponent] = exponents ?? [];
    const uniform = exponent !== undefined && exponents!.every((other) => other === exponent);
    return [
      needs(0) ? (uniform ? ofBase(site, exponent) : ofBaseWith(site)) : undefined,
      needs(1) ? ofExponent() : undefined,
    ];

    /** 0 where x is 0, as PyTorch has it (exponents of 0 or more). */
    function ofExponent(): string {
      const x = input(0);
      const one = truth(emit, emit.equal(x, emit.like(0, x)), x);
      return emit.mul(emit.mul(dy, output(0)), emit.log(emit.add(x, one)));
    }
  },
});

/** One exponent for all. */
function ofBase({ emit, input, output, gradient }: GradientSite, exponent: number): string {
  const dy = gradient(0)!;
  const x = input(0);
  if (exponent === 0) return emit.scale(dy, 0);
  if (exponent === 1) return dy;
  if (exponent === 0.5) return emit.div(emit.scale(dy, 0.5), output(0));
  const scaled = emit.scale(dy, exponent);
  if (exponent === 2) return emit.mul(scaled, x);
  if (exponent === 3) return emit.mul(scaled, emit.square(x));
  // Below 0 the result at 0 is infinite, and so is this.
  if (exponent < 0) return emit.div(emit.mul(scaled, output(0)), x);
  return emit.mul(scaled, emit.pow(x, emit.like(exponent - 1, x)));
}

/** 0 where the exponent is 0, whatever x is: there x^0 stands in for x^-1. */
function ofBaseWith({ emit, input, gradient }: GradientSite): string {
  const x = input(0);
  const exponent = emit.cast(input(1), emit.dtype(x));
  const none = truth(emit, emit.equal(exponent, emit.like(0, exponent)), x);
  const power = emit.pow(x, emit.add(emit.shift(exponent, -1), none));
  return emit.mul(gradient(0)!, emit.mul(exponent, power));
}
