// A rearrangement and its inverse.

import { intOf, stringOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const depthToSpace = defineGradient({
  name: "depth-to-space",
  summary: "DepthToSpace, both modes",
  operators: ["DepthToSpace"],
  backward({ node, emit, input, gradient }) {
    const dims = emit.dims(input(0));
    const size = intOf(node, "blocksize", 1);
    if (stringOf(node, "mode", "DCR") === "DCR") {
      return [emit.op("SpaceToDepth", [gradient(0)!], { dims, attributes: { blocksize: size } })];
    }
    const [batch, channels, height, width] = dims as [number, number, number, number];
    const apart = emit.reshape(gradient(0)!, [batch, channels / size ** 2, height, size, width, size]);
    return [emit.reshape(emit.transpose(apart, [0, 1, 3, 5, 2, 4]), dims)];
  },
});
