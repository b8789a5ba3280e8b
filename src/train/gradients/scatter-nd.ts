// ScatterND: updates get what stands at their places in dY; the data gets dY, without what was overwritten.

import { stringOf } from "../../ir/attributes.js";
import { refuseReduction } from "./reduction.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const scatterNd = defineGradient({
  name: "scatter-nd",
  summary: "ScatterND that overwrites or adds",
  operators: ["ScatterND"],
  differentiable: (input) => input !== 1,
  backward({ node, emit, input, gradient, needs }) {
    const reduction = stringOf(node, "reduction", "none");
    refuseReduction(node, reduction);
    const dy = gradient(0)!;
    const dims = emit.dims(input(2));
    const cleared = () =>
      reduction === "add" ? dy : emit.op("ScatterND", [dy, input(1), zeros(emit, dims, dy)], { dims: emit.dims(dy) });
    return [
      needs(0) ? cleared() : undefined,
      undefined,
      needs(2) ? emit.op("GatherND", [dy, input(1)], { dims }) : undefined,
    ];
  },
});
