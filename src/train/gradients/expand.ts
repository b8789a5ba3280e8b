// Broadcasting alone: the driver sums it out.

import { defineGradient } from "./rule.js";

export const expand = defineGradient({
  name: "expand",
  summary: "Expand",
  operators: ["Expand"],
  differentiable: (input) => input === 0,
  backward: ({ gradient }) => [gradient(0)],
});
