// Filters of convolutions.

import { defineStructure } from "./structure.js";

export const filter = defineStructure({
  name: "filter",
  summary: "Filters of convolutions, cut out",
  reference: "https://arxiv.org/abs/1608.08710",
  kind: "group",
  includes: ({ kind }) => kind === "filter",
});
