// Token dropout: some words of a text become unknown, or are left out. What belongs to the form of the text stays.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { defineAugmentation } from "./augmentation.js";

export const tokenDropout = defineAugmentation({
  name: "token-dropout",
  summary: "Texts: some tokens become unknown ones, or are left out.",
  reference: "Iyyer et al., Deep unordered composition rivals syntactic methods for text classification (2015)",
  kind: "tokens",
  options: z.object({
    rate: z.number().min(0).max(1).default(0.1).describe("Share of tokens"),
    mode: z
      .enum(["unknown", "drop"])
      .default("unknown")
      .describe("unknown: the token becomes the unknown one; drop: the text becomes shorter"),
    unknown: z.int().min(0).optional().describe("mode unknown: id of that token. Default: the tokenizer's"),
  }),
  apply(given, { rate, mode, unknown = given.unknown }, random) {
    if (mode === "unknown" && unknown === undefined) {
      throw invalid("augment-unknown", "Token dropout needs an unknown token, and the tokenizer names none.", {
        hint: 'State it: { "name": "token-dropout", "unknown": 3 }, or leave tokens out: "mode": "drop".',
      });
    }
    // Every token draws, so that what is drawn for one does not depend on which others are special.
    const hit = given.ids.map((id) => random.next() < rate && !given.special(id));
    if (mode === "unknown") return { ...given, ids: given.ids.map((id, at) => (hit[at] ? unknown! : id)) };
    // A text of nothing but form is no text: the last word stays.
    const last = given.ids.findLastIndex((id) => !given.special(id));
    const emptied = given.ids.every((id, at) => hit[at] || given.special(id));
    const stays = (at: number) => !hit[at] || (emptied && at === last);
    return {
      ...given,
      ids: given.ids.filter((_, at) => stays(at)),
      ...(given.types && { types: given.types.filter((_, at) => stays(at)) }),
    };
  },
});
