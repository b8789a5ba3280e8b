// The gradient of a channel goes to its largest element; of equal ones to the first, as PyTorch has it.

import { product } from "../../ops/operator.js";
import { defineGradient } from "./rule.js";

export const globalMaxPool = defineGradient({
  name: "global-max-pool",
  summary: "GlobalMaxPool; ties go to the first",
  operators: ["GlobalMaxPool"],
  backward({ emit, input, gradient }) {
    const dims = emit.dims(input(0));
    const [batch, channels] = [dims[0]!, dims[1]!];
    const size = product(dims.slice(2));
    const flat = emit.reshape(input(0), [batch, channels, size]);
    const first = emit.op("ArgMax", [flat], {
      dims: [batch, channels, 1],
      dtype: "int64",
      attributes: { axis: 2, keepdims: 1 },
    });
    const places = emit.ints(Array.from({ length: size }, (_, index) => index));
    const dy = emit.reshape(gradient(0)!, [batch, channels, 1]);
    return [emit.reshape(emit.where(emit.equal(places, first), dy, emit.like(0, dy)), dims)];
  },
});
