// Whole residual blocks.

import { defineStructure } from "./structure.js";

export const layer = defineStructure({
  name: "layer",
  summary: "Whole residual blocks: y = x + f(x) becomes y = x (attention and feed-forward blocks, blocks of ResNets)",
  reference: "https://arxiv.org/abs/2403.03853",
  kind: "graph",
});
