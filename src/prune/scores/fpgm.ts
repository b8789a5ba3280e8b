// FPGM (He et al. 2019): a filter near the geometric median of its layer's filters can be replaced by the others. Importance is the
// sum of the Euclidean distances to them.

import { sliceRows } from "./axes.js";
import { defineScore } from "./score.js";

export const fpgm = defineScore({
  name: "fpgm",
  summary: "Sum of the distances of a filter to the others of its layer: those near their geometric median go",
  reference: "https://arxiv.org/abs/1811.00250",
  needs: [],
  slice({ values, dims }, slices) {
    const rows = sliceRows(values, dims, slices);
    const found = new Float64Array(slices.units);
    for (const [one, row] of rows.entries()) {
      for (let other = 0; other < one; other++) {
        const against = rows[other]!;
        let square = 0;
        for (let i = 0; i < row.length; i++) {
          const difference = row[i]! - against[i]!;
          square += difference * difference;
        }
        const distance = Math.sqrt(square);
        found[one] = found[one]! + distance;
        found[other] = found[other]! + distance;
      }
    }
    return found;
  },
});
