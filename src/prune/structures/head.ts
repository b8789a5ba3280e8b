// Attention heads.

import { defineStructure } from "./structure.js";

export const head = defineStructure({
  name: "head",
  summary: "Attention heads, cut out; queries that share keys and values go together",
  reference: "https://arxiv.org/abs/1905.10650",
  kind: "group",
  includes: ({ kind }) => kind === "head",
});
