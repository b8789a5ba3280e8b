// Rows of zeros: what is cut out by the structures of channels, without changing a shape.

import { positions } from "./positions.js";
import { defineStructure } from "./structure.js";

export const row = defineStructure({
  name: "row",
  summary: "All that makes one output of a weight becomes zero (a filter, a row of a matrix); shapes stay",
  reference: "https://arxiv.org/abs/1608.08710",
  kind: "mask",
  cells(weight) {
    const { output, leading, leadingAt } = positions(weight);
    return {
      count: leading * output.size,
      cellOf: (element) => leadingAt(element) * output.size + output.at(element),
    };
  },
});
