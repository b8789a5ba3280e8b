// Rows of an embedding table.

import { z } from "zod";
import { cutVocabulary } from "../vocabulary/cut-vocabulary.js";
import { defineStructure } from "./structure.js";

const options = z.object({
  tokens: z.array(z.int().min(0)).min(1).describe("Ids of the tokens that stay"),
  unknown: z.int().min(0).optional().describe("The id, one of tokens, that all others are taken as"),
  table: z
    .string()
    .optional()
    .describe("Name or pattern of the table. Default: the largest one that inputs of the model are looked up in"),
  logits: z
    .enum(["refuse", "scatter"])
    .default("refuse")
    .describe(
      "Where logits are made with the same table: refuse, or scatter (their shape stays, tokens that are gone get a very low one)",
    ),
});

export const vocabulary = defineStructure({
  name: "vocabulary",
  summary: "Rows of an embedding table: the tokens of a list stay, all others are taken as one of them",
  reference: "https://arxiv.org/abs/2010.05609",
  options,
  kind: "graph",
  async remove(model, _request, given, context) {
    const { table, rows, bytes, ...result } = await cutVocabulary(model, options.parse(given), context);
    const width = model.graph.initializers.get(table)?.dims.slice(1) ?? [];
    const each = width.reduce((product, size) => product * size, 1);
    const elements = { before: rows.before * each, after: rows.after * each };
    return { ...result, table: [{ name: table, elements, bytes, ratio: 1 - rows.after / rows.before }] };
  },
});
