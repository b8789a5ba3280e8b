// Units of recurrent layers.

import { defineStructure } from "./structure.js";

export const recurrent = defineStructure({
  name: "recurrent",
  summary: "Units of recurrent layers (LSTM, GRU, RNN), cut out",
  reference: "https://arxiv.org/abs/1709.05027",
  kind: "group",
  includes: ({ kind }) => kind === "recurrent",
});
