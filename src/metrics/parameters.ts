// Parameters: the elements of the weights. Of a quantized or sparse weight what it stands for is counted, not its codes, scales
// and masks as they are packed, so that a model and its compressed form have the same number.

import { defineMetric } from "./metric.js";
import { parameterCount } from "./weights.js";

export const parameters = defineMetric({
  name: "parameters",
  summary: "elements of the weights; of packed ones as many as they stand for, not their scales",
  unit: "count",
  better: "lower",
  needs: "files",
  value: (row) => row.parameters,
  measure: async (subjects) => subjects.map(({ model }) => ({ parameters: parameterCount(model) })),
});
