// Lists of tokens as people write them: JSON, or one id or word a line.

import { invalid } from "../../base/errors.js";

/**
 * The ids that a text lists: a JSON list of ids or words, a JSON object of word to id (a smaller vocab.json), or lines that
 * hold one each (empty ones and those that begin with "# " are passed over). Words need a vocabulary, word to id. Throws
 * `invalid("token-list")`.
 */
export function parseTokens(text: string, vocabulary?: Readonly<Record<string, number>>): readonly number[] {
  const entries = entriesOf(text, vocabulary !== undefined);
  if (entries.length === 0) throw wrong("an empty list");
  return entries.map((entry) => {
    if (typeof entry === "number" && Number.isInteger(entry) && entry >= 0) return entry;
    if (typeof entry !== "string") throw wrong(JSON.stringify(entry));
    // A word may look like a number: in lists of words it is looked up.
    const known = vocabulary !== undefined && Object.hasOwn(vocabulary, entry) ? vocabulary[entry] : undefined;
    if (known !== undefined) return known;
    if (vocabulary === undefined && /^\d+$/.test(entry)) return Number(entry);
    throw invalid("token-list", `"${entry}" is no id, and no word of the vocabulary.`, {
      expected: "ids, or words with the vocabulary that says their ids",
      found: entry,
    });
  });
}

function entriesOf(text: string, words: boolean): readonly unknown[] {
  const trimmed = text.replace(/^\ufeff/, "").trim();
  const lines = () =>
    trimmed
      .split(/\r?\n/)
      .map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("# "));
  if (!/^[[{]/.test(trimmed)) return lines();
  let json: unknown;
  try {
    json = JSON.parse(trimmed);
  } catch (cause) {
    // A list of words may begin with [PAD].
    if (words) return lines();
    throw invalid("token-list", "The list of tokens is no JSON.", { cause, found: (cause as Error).message });
  }
  return Array.isArray(json) ? json : Object.values(json as object);
}

const wrong = (found: string) =>
  invalid("token-list", "The list of tokens has an entry that is no id.", {
    expected: "whole numbers from 0, or words",
    found,
  });
