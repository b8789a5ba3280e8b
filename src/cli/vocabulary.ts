// The flags of pare prune for vocabularies: a file of tokens becomes the structure of that name, its ids inlined.

import { readFileSync } from "node:fs";
import { failed, invalid, parseTokens } from "../index.js";

export interface VocabularyFlags {
  /** A file: JSON, or an id or word a line. */
  readonly vocabulary?: string;
  /** A JSON file that says the ids of words. */
  readonly words?: string;
  /** An id, or a word. */
  readonly unknown?: string;
}

/** The structure that the flags describe; undefined without --vocabulary. */
export function vocabularyOf({ vocabulary, words, unknown }: VocabularyFlags): object | undefined {
  if (vocabulary === undefined) {
    const beside = words !== undefined ? "--words" : unknown !== undefined ? "--unknown" : undefined;
    if (beside === undefined) return undefined;
    throw invalid("option-invalid", `${beside} does nothing without --vocabulary.`, {
      hint: "Name the file of tokens that stay: --vocabulary keep.json",
    });
  }
  const ids = words === undefined ? undefined : wordsOf(words);
  const tokens = parseTokens(text(vocabulary), ids);
  const stated = unknown === undefined ? {} : { unknown: parseTokens(unknown, ids)[0] };
  return { name: "vocabulary", tokens, ...stated };
}

/** `{ word: id }`, a list of words, or either under `vocab` or (tokenizer.json) `model.vocab`. */
function wordsOf(path: string): Readonly<Record<string, number>> {
  const json = parsed(path) as { model?: { vocab?: unknown }; vocab?: unknown } | null;
  const found = json?.model?.vocab ?? json?.vocab ?? json;
  const entries: [string, unknown][] = Array.isArray(found)
    ? found.map((word, id) => [String(word), id])
    : Object.entries(found ?? {});
  if (entries.length > 0 && entries.every(([, id]) => Number.isInteger(id))) {
    return Object.fromEntries(entries as [string, number][]);
  }
  throw invalid("words-invalid", `${path} is no vocabulary.`, {
    node: path,
    expected: '{ "word": id, ... } or a list of words, by itself or under "vocab"',
  });
}

function parsed(path: string): unknown {
  try {
    return JSON.parse(text(path));
  } catch (cause) {
    throw invalid("file-unreadable", `${path} cannot be read as JSON.`, { node: path, cause });
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw failed("file-unreadable", `${path} cannot be read.`, { node: path, cause });
  }
}
