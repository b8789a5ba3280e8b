// Every kind of channel.

import { defineStructure } from "./structure.js";

export const channel = defineStructure({
  name: "channel",
  summary: "Whole channels of any kind, cut out: filters, hidden units, attention heads and recurrent units",
  reference: "https://arxiv.org/abs/2301.12900",
  kind: "group",
  includes: () => true,
});
