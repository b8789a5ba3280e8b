// A word list: the text is split by a pattern, each piece is its place in the list.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { pattern } from "../pattern.js";
import { endsIn } from "../reader.js";
import { defineTokenizer } from "./tokenizer.js";

export const vocabulary = defineTokenizer({
  name: "vocabulary",
  summary: "A list of words (.txt, one a line, or .json), the text split by a regular expression.",
  options: z.strictObject({
    type: z.literal("vocabulary"),
    file: z
      .string()
      .describe("One word a line, or JSON: a list, an object from word to id, or either under the key `vocab`"),
    split: pattern().default("\\S+").describe("Regular expression whose matches are the words"),
    lowercase: z.boolean().default(false).describe("Whether the text is put in small letters first"),
    unknown: z.int().min(0).default(0).describe("Id of words that are not in the list"),
    prefix: z.array(z.int().min(0)).default([]).describe("Ids before the words"),
    suffix: z.array(z.int().min(0)).default([]).describe("Ids after the words"),
  }),
  accepts: (file) => endsIn(file, [".txt", ".json"]),
  async open(options, place) {
    const ids = parseVocabulary(await place.text(options.file), options.file);
    const pattern = new RegExp(options.split, "gu");
    return {
      unknown: options.unknown,
      special: new Set([...options.prefix, ...options.suffix]),
      encode(text, pair, limit) {
        const whole = `${text}${pair === undefined ? "" : ` ${pair}`}`;
        const words = (options.lowercase ? whole.toLowerCase() : whole).match(pattern) ?? [];
        const room = Math.max(limit - options.prefix.length - options.suffix.length, 0);
        const found = words.slice(0, room).map((word) => ids.get(word) ?? options.unknown);
        return { ids: [...options.prefix, ...found, ...options.suffix] };
      },
    };
  },
});

function parseVocabulary(text: string, file: string): ReadonlyMap<string, number> {
  if (!file.toLowerCase().endsWith(".json")) {
    return new Map(
      text
        .replace(/\n$/, "")
        .split("\n")
        .map((word, id) => [word.replace(/\r$/, ""), id]),
    );
  }
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw invalid("data-json", `${file} is not JSON.`, { cause });
  }
  const under = (parsed as { vocab?: unknown } | null)?.vocab;
  const list = typeof under === "object" && under !== null ? under : parsed;
  if (Array.isArray(list)) return new Map(list.map((word, id) => [String(word), id]));
  if (typeof list === "object" && list !== null) {
    const pairs = Object.entries(list as Record<string, unknown>);
    if (pairs.every((pair): pair is [string, number] => Number.isInteger(pair[1]))) return new Map(pairs);
  }
  throw invalid("data-vocabulary", `${file} is not a vocabulary.`, {
    expected: "a list of words, or an object from word to id",
  });
}
