// Hidden units between two matrix products.

import { defineStructure } from "./structure.js";

export const hidden = defineStructure({
  name: "hidden",
  summary: "Hidden units of matrix products (feed-forward blocks, classifiers), cut out",
  kind: "group",
  includes: ({ kind }) => kind === "hidden",
});
