// Tables and lists of text: each row is tokenized into ids, a mask, token types and positions.

import { z } from "zod";
import { classNames, columnLabels, toLabel } from "../labels.js";
import { defineReader, endsIn } from "../reader.js";
import { cell, openTable } from "../table.js";
import { openTokenizer, tokenizerOptions } from "../tokenizers/index.js";
import { changeable, lengthOf, TOKEN_FIELDS, tokenFields } from "../tokens.js";

const EXTENSIONS = [".csv", ".tsv", ".jsonl", ".ndjson", ".txt"];
const column = z.union([z.string(), z.int()]);

export const text = defineReader({
  name: "text",
  summary: "Rows of .csv, .tsv, .jsonl or .txt, tokenized; fields: tokens, mask, types, positions.",
  options: z.object({
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .describe("Tables, .jsonl or .txt files, or glob patterns of them"),
    header: z
      .boolean()
      .optional()
      .describe("First line names the columns. Default: yes when a column is asked for by name"),
    delimiter: z.string().length(1).optional().describe("Default: comma, or tab in .tsv"),
    text: column.default(0).describe("Column of the text: its name, or its number from 0"),
    pair: column.optional().describe("Column of a second text"),
    tokenizer: tokenizerOptions.optional(),
    length: z.int().min(1).optional().describe("At most so many tokens. Default: as the model states, else 512"),
    pad: z.boolean().optional().describe("Fill up to `length`. Default: when the model's length is fixed"),
    padId: z.int().min(0).default(0).describe("Token that fills a text up to the length"),
    labels: columnLabels.optional(),
  }),
  guess: (path, names) =>
    names === undefined && endsIn(path, EXTENSIONS)
      ? { files: path, ...(endsIn(path, [".jsonl", ".ndjson"]) ? { text: "text" } : {}) }
      : undefined,
  async open(options, place) {
    const files = await place.files(options.files, EXTENSIONS);
    const columns = [options.text, options.pair, options.labels?.column];
    const header = options.header ?? columns.some((name) => typeof name === "string");
    const table = await openTable(files, { header, delimiter: options.delimiter }, place);
    const tokenizer = await openTokenizer(options.tokenizer, place);
    const classes = await classNames(options.labels?.classes, place);
    const { length, pad } = lengthOf(options, place.inputs);
    return {
      size: table.size,
      labelled: options.labels !== undefined,
      augments: "tokens",
      aliases: TOKEN_FIELDS,
      async read(index, augment) {
        const { cells, id } = await table.read(index);
        const pair = options.pair === undefined ? undefined : String(cell(cells, options.pair, id));
        const encoded = tokenizer.encode(String(cell(cells, options.text, id)), pair, length);
        const tokens = augment ? augment("tokens", changeable(encoded, tokenizer)) : encoded;
        const fields = tokenFields(tokens, pad ? length : undefined, options.padId);
        if (!options.labels) return { id, fields };
        return { id, fields, label: toLabel(cell(cells, options.labels.column, id), classes, id) };
      },
    };
  },
});
