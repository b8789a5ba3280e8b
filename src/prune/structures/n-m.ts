// N:M: of every M neighbours that are summed, N stay. Hardware with sparse units (2:4) skips the others.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { positions } from "./positions.js";
import { defineStructure } from "./structure.js";

const options = z.object({
  keep: z.int().min(1).default(2).describe("Elements that stay of each group (the N)"),
  of: z.int().min(2).max(1024).default(4).describe("Neighbours along the reduction axis that make a group (the M)"),
});

export const nOfM = defineStructure({
  name: "n-m",
  summary: "N of every M neighbours along the axis that is summed stay: 2:4 is what NVIDIA's sparse units read",
  reference: "https://arxiv.org/abs/2104.08378",
  options,
  kind: "mask",
  /**
   * Groups run along the reduction axis, for each position of all other axes: of a convolution, neighbouring input
   * channels at one place of the kernel. What is left at the end is a group that zeros fill up.
   */
  cells(weight, given) {
    const { keep, of } = options.parse(given);
    if (keep >= of) {
      throw invalid("structure-unfit", `Of ${of} elements ${keep} stay: nothing would go.`, {
        expected: "keep below of, as in 2:4",
        found: `${keep}:${of}`,
      });
    }
    const { reduction, others, otherAt } = positions(weight);
    const groups = Math.ceil(reduction.size / of);
    return {
      count: others * groups * of,
      cellOf: (element) => otherAt(element) * groups * of + reduction.at(element),
      pattern: { keep, of },
    };
  },
});
