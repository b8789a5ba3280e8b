// Gather: each row of dY is added to the row that it was taken from.

import { intOf } from "../../ir/attributes.js";
import { elementCount } from "../../tensor/dtype.js";
import { defineGradient } from "./rule.js";
import { scatterAlong } from "./scatter-along.js";
import { gradientOfSources, runsOf } from "./sources.js";

/** Constant indices in so few runs are cut and padded: the class token, one half, the last step. */
const FEW_RUNS = 4;

export const gather = defineGradient({
  name: "gather",
  summary: "Gather along any axis; indices may be negative and repeat",
  operators: ["Gather"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, gradient }) {
    const dims = emit.dims(input(0));
    const given = intOf(node, "axis", 0);
    const axis = given < 0 ? given + dims.length : given;
    const size = dims[axis]!;
    const count = elementCount(emit.dims(input(1)));
    if (count === 0) return [undefined];
    const fixed = emit.constant(input(1))?.map((index) => (index < 0 ? index + size : index));
    if (fixed !== undefined && runsOf(fixed).length <= FEW_RUNS) {
      const dy = emit.reshape(gradient(0)!, [...dims.slice(0, axis), count, ...dims.slice(axis + 1)]);
      return [gradientOfSources(emit, dy, axis, size, fixed)];
    }
    const [before, after] = [elementCount(dims.slice(0, axis)), elementCount(dims.slice(axis + 1))];
    const rows = emit.reshape(gradient(0)!, [before, count, after]);
    return [emit.reshape(scatterAlong(emit, rows, emit.reshape(input(1), [count]), size), dims)];
  },
});
