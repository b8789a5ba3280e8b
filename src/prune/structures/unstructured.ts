// Every element of a weight for itself: the most freedom, and no speed.

import { elementCount } from "../../tensor/dtype.js";
import { defineStructure } from "./structure.js";

export const unstructured = defineStructure({
  name: "unstructured",
  summary: "Single elements of weights become zero: smaller when stored sparse, not faster",
  reference: "https://arxiv.org/abs/1506.02626",
  kind: "mask",
  cells: ({ dims }) => ({ count: elementCount(dims), cellOf: (element) => element, plain: true }),
});
