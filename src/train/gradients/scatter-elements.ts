// ScatterElements: updates get what stands at their places in dY; the data gets dY, without what was overwritten.

import { intOf, stringOf } from "../../ir/attributes.js";
import { refuseReduction } from "./reduction.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const scatterElements = defineGradient({
  name: "scatter-elements",
  summary: "ScatterElements that overwrites or adds",
  operators: ["ScatterElements"],
  differentiable: (input) => input !== 1,
  backward({ node, emit, input, gradient, needs }) {
    const reduction = stringOf(node, "reduction", "none");
    refuseReduction(node, reduction);
    const dy = gradient(0)!;
    const attributes = { axis: intOf(node, "axis", 0) };
    const dims = emit.dims(input(2));
    const cleared = () =>
      reduction === "add"
        ? dy
        : emit.op("ScatterElements", [dy, input(1), zeros(emit, dims, dy)], { dims: emit.dims(dy), attributes });
    return [
      needs(0) ? cleared() : undefined,
      undefined,
      needs(2) ? emit.op("GatherElements", [dy, input(1)], { dims, attributes }) : undefined,
    ];
  },
});
