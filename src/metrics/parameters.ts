// Parameters: the elements of the weights. Codes of a quantized weight count as elements, their scales and zero points
// do not, so that a model and its quantized form have the same number.

import { defineMetric } from "./metric.js";
import { parameterCount } from "./weights.js";

export const parameters = defineMetric({
  name: "parameters",
  summary: "elements of the weights; of quantized ones the codes, not the scales",
  unit: "count",
  better: "lower",
  needs: "files",
  value: (row) => row.parameters,
  measure: async (subjects) => subjects.map(({ model }) => ({ parameters: parameterCount(model) })),
});
