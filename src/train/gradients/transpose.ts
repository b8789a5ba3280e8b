// The gradient is transposed back.

import { intsOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const transpose = defineGradient({
  name: "transpose",
  summary: "Transpose; without perm the axes are reversed",
  operators: ["Transpose"],
  backward({ node, emit, input, gradient }) {
    const axes = [...emit.dims(input(0)).keys()];
    const perm = intsOf(node, "perm") ?? axes.toReversed();
    return [
      emit.transpose(
        gradient(0)!,
        axes.map((axis) => perm.indexOf(axis)),
      ),
    ];
  },
});
