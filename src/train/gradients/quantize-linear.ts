// The straight-through estimate: rounding counts as the identity, so with codes q = round(x / s) + z the gradient passes
// where q lies within the range of the codes and stops where it was clipped. The gradient of codes is a float tensor.
// For the scale: dq/ds = -x / s^2 where not clipped, which with DequantizeLinear's q - z is the step size gradient of LSQ.

import { unsupported } from "../../base/errors.js";
import { label } from "../../ir/model.js";
import type { DType } from "../../tensor/dtype.js";
import { scaleLayout } from "./quantized-scale.js";
import { defineGradient } from "./rule.js";

/** Smallest and largest code of each type. */
const CODES: Partial<Record<DType, readonly [number, number]>> = {
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int4: [-8, 7],
  uint4: [0, 15],
  int2: [-2, 1],
  uint2: [0, 3],
};

export const quantizeLinear = defineGradient({
  name: "quantize-linear",
  summary: "QuantizeLinear, straight through within the range of the codes; per tensor, per axis, blocked",
  reference: "https://arxiv.org/abs/1902.08153",
  operators: ["QuantizeLinear"],
  differentiable: (input) => input < 2,
  backward({ node, emit, input, output, gradient, needs }) {
    const codes = emit.dtype(output(0));
    const range = CODES[codes];
    if (range === undefined) {
      throw unsupported("gradient-codes", `${label(node)} (QuantizeLinear) makes codes of type ${codes}.`, {
        node: label(node),
        expected: Object.keys(CODES).join(", "),
        found: codes,
      });
    }
    const x = input(0);
    const layout = scaleLayout(emit, node, emit.dims(x), emit.dims(input(1)));
    const scale = layout.spread(input(1));
    const ratio = emit.div(x, scale);
    const rounded = emit.op("Round", [ratio]);
    const code = input(2) === "" ? rounded : emit.add(rounded, layout.spread(emit.cast(input(2), emit.dtype(x))));
    const clipped = emit.op("Clip", [code, emit.like(range[0], x), emit.like(range[1], x)]);
    const inside = emit.where(emit.equal(code, clipped), gradient(0)!, emit.like(0, x));
    const dx = emit.div(inside, scale);
    return [needs(0) ? dx : undefined, needs(1) ? layout.collect(emit.neg(emit.mul(dx, ratio))) : undefined];
  },
});
