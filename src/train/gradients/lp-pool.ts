// y = (sum |x|^p)^(1/p) over windows: dx = sign(x) |x|^(p-1) times the sum of y^(1-p) dy over the windows that read x; 0
// where the window is all zero, where there is no derivative.

import { intOf, intsOf } from "../../ir/attributes.js";
import { windowsOf } from "../convolution/geometry.js";
import { spreadWindows } from "../convolution/spread.js";
import { defineGradient } from "./rule.js";

export const lpPool = defineGradient({
  name: "lp-pool",
  summary: "LpPool: p, pads, ceil_mode, dilations",
  operators: ["LpPool"],
  backward({ node, emit, input, output, gradient }) {
    const [x, y, dy] = [input(0), output(0), gradient(0)!];
    const windows = windowsOf(node, emit.dims(x), emit.dims(y), intsOf(node, "kernel_shape")!);
    const p = intOf(node, "p", 2);
    if (p === 1) return [emit.mul(emit.sign(x), spreadWindows(emit, windows, dy))];
    const zero = emit.like(0, y);
    const power = (value: string, exponent: number) =>
      exponent === 1 ? value : emit.pow(value, emit.like(exponent, value));
    const each = emit.where(emit.greater(y, zero), emit.div(dy, power(y, p - 1)), zero);
    const own = p % 2 === 0 ? power(x, p - 1) : emit.mul(emit.sign(x), power(emit.abs(x), p - 1));
    return [emit.mul(own, spreadWindows(emit, windows, each))];
  },
});
