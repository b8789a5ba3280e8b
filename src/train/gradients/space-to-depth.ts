// A rearrangement and its inverse.

import { intOf } from "../../ir/attributes.js";
import { defineGradient } from "./rule.js";

export const spaceToDepth = defineGradient({
  name: "space-to-depth",
  summary: "SpaceToDepth",
  operators: ["SpaceToDepth"],
  backward: ({ node, emit, input, gradient }) => [
    emit.op("DepthToSpace", [gradient(0)!], {
      dims: emit.dims(input(0)),
      attributes: { blocksize: intOf(node, "blocksize", 1), mode: "DCR" },
    }),
  ],
});
