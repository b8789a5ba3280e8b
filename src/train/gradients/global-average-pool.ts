// The average over all places of a channel.

import { product } from "../../ops/operator.js";
import { defineGradient } from "./rule.js";

export const globalAveragePool = defineGradient({
  name: "global-average-pool",
  summary: "GlobalAveragePool",
  operators: ["GlobalAveragePool"],
  // The driver spreads it over the input.
  backward: ({ emit, input, gradient }) => [emit.scale(gradient(0)!, 1 / product(emit.dims(input(0)).slice(2)))],
});
