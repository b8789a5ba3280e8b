// The derivative of a product by one factor is the product of the others. Factors of 0 are counted and left out of the product:
// what remains is divided by the factor itself, and holds where no other factor is 0.

import { truth } from "./indicator.js";
import { reducedAxes } from "./reduced-axes.js";
import { defineGradient } from "./rule.js";

export const reduceProd = defineGradient({
  name: "reduce-prod",
  summary: "ReduceProd, also with zeros",
  operators: ["ReduceProd"],
  differentiable: (input) => input === 0,
  backward(site) {
    const { emit, input, gradient } = site;
    const { axes, kept } = reducedAxes(site);
    const x = input(0);
    if (axes.length === 0) return [gradient(0)];
    const zero = truth(emit, emit.equal(x, emit.like(0, x)), x);
    const factors = emit.add(x, zero);
    const dims = { dims: kept, attributes: { keepdims: 1 } };
    const rest = emit.mul(emit.reshape(gradient(0)!, kept), emit.op("ReduceProd", [factors, emit.ints(axes)], dims));
    const others = emit.sub(emit.reduceSum(zero, axes), zero);
    const alone = truth(emit, emit.equal(others, emit.like(0, others)), x);
    return [emit.mul(emit.div(rest, factors), alone)];
  },
});
