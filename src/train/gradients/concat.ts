// The gradient is split where the parts were joined.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const concat = defineGradient({
  name: "concat",
  summary: "Concat",
  operators: ["Concat"],
  backward({ node, emit, gradient, needs }) {
    const dy = gradient(0)!;
    const given = intOf(node, "axis", 0);
    const axis = given < 0 ? given + emit.rank(dy) : given;
    const sizes = node.inputs.map((name) => emit.dims(name)[axis]!);
    const all = node.inputs.every((_, index) => needs(index));
    if (all && sizes.length > 1) {
      const shapes = node.inputs.map((name) => emit.shape(name));
      return emit.ops("Split", [dy, emit.ints(sizes)], shapes, { attributes: { axis } });
    }
    let end = 0;
    return sizes.map((size, index) => {
      end += size;
      return needs(index) ? emit.slice(dy, [axis], [end - size], [end]) : undefined;
    });
  },
});
