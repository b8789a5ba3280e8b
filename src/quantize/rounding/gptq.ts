// One input after the other, each rounding made good by the weights of the inputs still to come.

import { defineRounding } from "./round.js";

export const gptq = defineRounding({
  name: "gptq",
  summary:
    "So that the outputs change least on the data: what a rounding does to them is made good by weights rounded later",
  reference: "https://arxiv.org/abs/2210.17323",
  kernel: () => ({ kind: "nearest" }),
  fitted: "gptq",
});
