// ConvTranspose is the input gradient of a convolution that reads its output: so dX is that convolution of dY, and dW its
// weight gradient with X and dY exchanged.

import { intOf } from "../../ir/attributes.js";
import { weightGradient } from "../convolution/choose.js";
import { type Convolution, transposedWindowsOf } from "../convolution/geometry.js";
import { channelSums } from "../convolution/sums.js";
import { defineGradient } from "./rule.js";

export const convTranspose = defineGradient({
  name: "conv-transpose",
  summary: "ConvTranspose: groups, strides, dilations, output_padding, output_shape",
  operators: ["ConvTranspose"],
  backward({ node, emit, input, output, gradient, needs }) {
    const [x, w] = [emit.dims(input(0)), emit.dims(input(1))];
    const groups = intOf(node, "group", 1);
    const windows = transposedWindowsOf(node, x, emit.dims(output(0)), w.slice(2));
    const shape: Convolution = { ...windows, batch: x[0]!, channels: w[1]! * groups, filters: x[1]!, groups };
    const dy = gradient(0)!;
    return [
      needs(0) ? forward() : undefined,
      needs(1) ? weightGradient(emit, shape, { x: dy, dy: input(0) }) : undefined,
      needs(2) ? channelSums(emit, dy) : undefined,
    ];

    /** The convolution itself; where no window reads the last elements, they are cut first. */
    function forward(): string {
      const cut = (pad: number) => Math.min(0, pad);
      const read = emit.pad(dy, [0, 0, ...windows.begins.map(cut), 0, 0, ...windows.ends.map(cut)]);
      return emit.op("Conv", [read, input(1)], {
        dims: [shape.batch, shape.filters, ...windows.output],
        attributes: {
          group: groups,
          kernel_shape: windows.kernel,
          strides: windows.strides,
          dilations: windows.dilations,
          pads: [...windows.begins, ...windows.ends].map((pad) => Math.max(0, pad)),
        },
      });
    }
  },
});
