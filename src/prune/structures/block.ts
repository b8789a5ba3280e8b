// Blocks of r outputs by c inputs: what block-sparse kernels skip.

import { z } from "zod";
import { positions } from "./positions.js";
import { defineStructure } from "./structure.js";

const options = z.object({
  rows: z.int().min(1).default(4).describe("Neighbours along the output axis"),
  columns: z.int().min(1).default(4).describe("Neighbours along the axis that is summed"),
});

export const block = defineStructure({
  name: "block",
  summary: "Blocks of r outputs by c inputs become zero together",
  reference: "https://arxiv.org/abs/1711.02782",
  options,
  kind: "mask",
  /** Blocks lie in the plane of outputs and inputs, for each place of a kernel; those at the ends may be smaller. */
  cells(weight, given) {
    const { rows, columns } = options.parse(given);
    const { output, reduction, rest, restAt } = positions(weight);
    const [down, across] = [Math.ceil(output.size / rows), Math.ceil(reduction.size / columns)];
    return {
      count: rest * down * across,
      cellOf: (element) =>
        (restAt(element) * down + Math.floor(output.at(element) / rows)) * across +
        Math.floor(reduction.at(element) / columns),
    };
  },
});
