// Y = W * X + b, windows of any stride, dilation, padding and number of groups: dX and dW are convolutions again, computed
// by one of the strategies of train/convolution; db is the sum of dY.

import { intOf } from "../../ir/attributes.js";
import { inputGradient, weightGradient } from "../convolution/choose.js";
import { type Convolution, windowsOf } from "../convolution/geometry.js";
import { channelSums } from "../convolution/sums.js";
import { defineGradient } from "./rule.js";

export const conv = defineGradient({
  name: "conv",
  summary: "Conv: 1-D to 3-D, groups, strides, dilations, every padding",
  operators: ["Conv"],
  backward({ node, emit, input, output, gradient, needs }) {
    const [x, w] = [emit.dims(input(0)), emit.dims(input(1))];
    const shape: Convolution = {
      ...windowsOf(node, x, emit.dims(output(0)), w.slice(2)),
      batch: x[0]!,
      channels: x[1]!,
      filters: w[0]!,
      groups: intOf(node, "group", 1),
    };
    const dy = gradient(0)!;
    return [
      needs(0) ? inputGradient(emit, shape, { w: input(1), dy }) : undefined,
      needs(1) ? weightGradient(emit, shape, { x: input(0), dy }) : undefined,
      needs(2) ? channelSums(emit, dy) : undefined,
    ];
  },
});
