// The gradient of a value goes to the element that was chosen; the choice itself has none.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const topK = defineGradient({
  name: "top-k",
  summary: "TopK: its values",
  operators: ["TopK"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, output, gradient }) {
    const dy = gradient(0);
    if (dy === undefined) return [undefined];
    const dims = emit.dims(input(0));
    const indices =
      output(1) !== ""
        ? output(1)
        : emit.ops("TopK", node.inputs, [emit.shape(output(0)), { dtype: "int64", dims: emit.dims(output(0)) }], {
            attributes: Object.fromEntries(node.attributes),
          })[1]!;
    return [
      emit.op("ScatterElements", [zeros(emit, dims, dy), indices, dy], {
        dims,
        attributes: { axis: intOf(node, "axis", -1) },
      }),
    ];
  },
});
