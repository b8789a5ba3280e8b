// The gradient of a window goes to its largest element; of equal ones to the first, as PyTorch has it. Which that is, a
// second MaxPool says: the forward node seldom gives its indices, and is faster without.

import { intOf, intsOf } from "../../ir/attributes.js";
import { product } from "../../ops/operator.js";
import { spanOf, windowsOf } from "../convolution/geometry.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const maxPool = defineGradient({
  name: "max-pool",
  summary: "MaxPool: strides, dilations, pads, ceil_mode; ties go to the first",
  operators: ["MaxPool"],
  backward({ node, emit, input, output, gradient }) {
    const dy = gradient(0);
    if (dy === undefined) return [];
    const { dims, dtype } = emit.shape(input(0));
    const windows = windowsOf(node, dims, emit.dims(output(0)), intsOf(node, "kernel_shape")!);
    const count = product(dims);
    const given = output(1) !== "" && intOf(node, "storage_order", 0) === 0;
    const indices = given ? output(1) : largest();
    // Windows apart from each other have no element in common: one move, no sums.
    const apart = windows.strides.every((stride, axis) => stride >= spanOf(windows, axis));
    if (apart && dtype === "float32") {
      return [
        emit.op("MaxUnpool", [dy, indices, emit.ints(dims)], {
          dims,
          // Only the indices say where; the runtime checks that windows of this size fit.
          attributes: { kernel_shape: windows.kernel.map(() => 1) },
        }),
      ];
    }
    const flat = [product(emit.dims(dy))];
    const sums = emit.op(
      "ScatterElements",
      [zeros(emit, [count], dy), emit.reshape(indices, flat), emit.reshape(dy, flat)],
      { dims: [count], dtype, attributes: { axis: 0, reduction: "add" } },
    );
    return [emit.reshape(sums, dims)];

    /** int64, of the output's dimensions: places in the whole input, row by row. */
    function largest(): string {
      const attributes = Object.fromEntries([...node.attributes].filter(([name]) => name !== "storage_order"));
      const shape = emit.dims(output(0));
      return emit.ops(
        "MaxPool",
        [input(0)],
        [
          { dtype, dims: shape },
          { dtype: "int64", dims: shape },
        ],
        { attributes },
      )[1]!;
    }
  },
});
