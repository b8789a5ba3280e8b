// Running text for causal language models: each sample is a document or a window of it, its label the token that
// follows each position. What perplexity is measured on.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { makeValue } from "../cast.js";
import { pattern } from "../pattern.js";
import { defineReader } from "../reader.js";
import { openTokenizer, tokenizerOptions } from "../tokenizers/index.js";
import { changeable, lengthOf, TOKEN_FIELDS, tokenFields } from "../tokens.js";

/** The label of a position whose next token is not known or not counted. */
const IGNORED = -100;

export const language = defineReader({
  name: "language",
  summary: "Text for causal language models, labels are the next tokens; fields: tokens, mask, positions.",
  options: z.object({
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .describe("Text files, or folders and glob patterns of them"),
    separator: pattern()
      .optional()
      .describe("Regular expression between documents. Default: each file is one document"),
    tokenizer: tokenizerOptions.optional(),
    length: z.int().min(2).optional().describe("Tokens of a window. Default: as the model states, else 512"),
    pad: z
      .boolean()
      .default(false)
      .describe("Fill shorter ones up to `length`; positions that are filled have no label"),
    padId: z.int().min(0).default(0).describe("Token that fills up"),
    windows: z
      .enum(["first", "all"])
      .default("first")
      .describe("first: each document cut to `length`; all: documents joined, then cut into windows"),
  }),
  guess: () => undefined,
  async open(options, place) {
    const files = await place.files(options.files, [".txt", ".md"]);
    const tokenizer = await openTokenizer(options.tokenizer, place);
    const { length } = lengthOf(options, place.inputs);
    const { pad } = options;
    const separator = options.separator === undefined ? undefined : new RegExp(options.separator, "u");
    const documents: string[] = [];
    for (const { path } of files) {
      const text = await place.text(path);
      documents.push(...(separator ? text.split(separator) : [text]).map((d) => d.trim()).filter((d) => d !== ""));
    }
    const windows = options.windows === "all" ? cut(documents, tokenizer.encode, length) : undefined;
    const size = windows?.length ?? documents.length;
    if (size === 0) throw invalid("data-empty", "The dataset has no text.", { found: JSON.stringify(options.files) });
    return {
      size,
      labelled: true,
      metric: "perplexity",
      augments: "tokens",
      aliases: TOKEN_FIELDS,
      async read(index, augment) {
        const ids = windows?.[index] ?? tokenizer.encode(documents[index]!, undefined, length).ids;
        const fed = augment ? augment("tokens", changeable({ ids }, tokenizer)).ids : ids;
        const { tokens, mask, positions } = tokenFields({ ids: fed }, pad ? length : undefined, options.padId);
        // Tokens that became unknown are still to be predicted; those that were left out are not there.
        const spoken = fed.length === ids.length ? ids : fed;
        const next = Array.from({ length: pad ? length : fed.length }, (_, i) => spoken[i + 1] ?? IGNORED);
        return {
          id: String(index),
          fields: { tokens: tokens!, mask: mask!, positions: positions! },
          label: makeValue("int64", [1, next.length], next),
        };
      },
    };
  },
});

function cut(
  documents: readonly string[],
  encode: (text: string, pair: undefined, limit: number) => { readonly ids: readonly number[] },
  length: number,
): readonly (readonly number[])[] {
  const windows: number[][] = [];
  let window: number[] = [];
  for (const document of documents) {
    for (const id of encode(document, undefined, Number.POSITIVE_INFINITY).ids) {
      window.push(id);
      if (window.length < length) continue;
      windows.push(window);
      window = [];
    }
  }
  if (window.length > 1) windows.push(window);
  return windows;
}
