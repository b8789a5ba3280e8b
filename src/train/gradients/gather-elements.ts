// Each element of dY is added to the element that it was taken from.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const gatherElements = defineGradient({
  name: "gather-elements",
  summary: "GatherElements",
  operators: ["GatherElements"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, gradient }) {
    const dims = emit.dims(input(0));
    return [
      emit.op("ScatterElements", [zeros(emit, dims, gradient(0)!), input(1), gradient(0)!], {
        dims,
        attributes: { axis: intOf(node, "axis", 0), reduction: "add" },
      }),
    ];
  },
});
