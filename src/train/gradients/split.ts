// The gradients of the parts are joined; parts that the loss does not depend on are zero.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";
import { zeros } from "./zeros.js";

export const split = defineGradient({
  name: "split",
  summary: "Split, by sizes or into a number of parts",
  operators: ["Split"],
  differentiable: (input) => input === 0,
  backward({ node, emit, input, gradient }) {
    const dims = emit.dims(input(0));
    const given = intOf(node, "axis", 0);
    const axis = given < 0 ? given + dims.length : given;
    const flowing = node.outputs.flatMap((_, index) => (gradient(index) === undefined ? [] : [index]));
    const [first, last] = [flowing[0]!, flowing.at(-1)!];
    const sizes = node.outputs.map((name, index) => partSize(name, index));
    const parts = sizes
      .slice(first, last + 1)
      .map((size, at) => gradient(first + at) ?? zeros(emit, dims.with(axis, size), gradient(first)!));
    const sum = (list: readonly number[]) => list.reduce((all, size) => all + size, 0);
    const pads = new Array<number>(2 * dims.length).fill(0);
    pads[axis] = sum(sizes.slice(0, first));
    pads[axis + dims.length] = sum(sizes.slice(last + 1));
    return [emit.pad(emit.concat(parts, axis), pads)];

    /** A part that nobody asked for has no name, so no shape: it has what num_outputs gives every part but the last. */
    function partSize(name: string, index: number): number {
      if (name !== "") return emit.dims(name)[axis]!;
      const stated = emit.constant(input(1));
      if (stated !== undefined) return stated[index]!;
      const whole = Math.ceil(dims[axis]! / node.outputs.length);
      return Math.max(0, Math.min(whole, dims[axis]! - whole * index));
    }
  },
});
