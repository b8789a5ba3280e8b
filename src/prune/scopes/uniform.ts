// The same share of every item.

import { allowedCount, fixedCount } from "./counts.js";
import { defineScope } from "./scope.js";

export const uniform = defineScope({
  name: "uniform",
  summary: "The same share of every layer",
  reference: "https://arxiv.org/abs/2003.03033",
  choose: async (items, { share }) => items.map((item) => fixedCount(item) ?? allowedCount(item, share * item.cells)),
});
