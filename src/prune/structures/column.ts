// Columns of zeros: inputs that a weight reads no more.

import { positions } from "./positions.js";
import { defineStructure } from "./structure.js";

export const column = defineStructure({
  name: "column",
  summary: "All that reads one input of a weight becomes zero (an input channel, a column of a matrix); shapes stay",
  reference: "https://arxiv.org/abs/1608.03665",
  kind: "mask",
  cells(weight) {
    const { reduction, leading, leadingAt } = positions(weight);
    return {
      count: leading * reduction.size,
      cellOf: (element) => leadingAt(element) * reduction.size + reduction.at(element),
    };
  },
});
