// Up or down at random, so that the mean of many is the number itself: errors do not add up in sums.

import { defineRounding } from "./round.js";

export const stochastic = defineRounding({
  name: "stochastic",
  summary: "Up or down at random, the nearer the likelier, so that the mean is exact; the same for the same seed",
  reference: "https://arxiv.org/abs/1502.02551",
  kernel: ({ seed }) => ({ kind: "stochastic", seed, first: 0 }),
});
