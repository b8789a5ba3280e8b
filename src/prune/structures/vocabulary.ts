// Rows of an embedding table.

import { defineStructure } from "./structure.js";

export const vocabulary = defineStructure({
  name: "vocabulary",
  summary: "Rows of an embedding table: the tokens of a list stay, all others become one stated token",
  reference: "https://arxiv.org/abs/2010.05609",
  kind: "graph",
});
