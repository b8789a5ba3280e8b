// A file of tokens becomes a structure of the prune step.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { vocabularyOf } from "./vocabulary.js";

let folder: string;
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-vocabulary-"));
  writeFileSync(at("ids.json"), "[5, 0, 7]");
  writeFileSync(at("words.txt"), "[PAD]\nthe\n");
  writeFileSync(at("list.json"), '{ "vocab": ["[PAD]", "a", "the"] }');
  writeFileSync(at("tokenizer.json"), '{ "model": { "vocab": { "[PAD]": 3, "the": 9 } } }');
  writeFileSync(at("wrong.json"), '{ "the": "nine" }');
});
afterAll(() => rmSync(folder, { recursive: true }));

test("ids, and words by the vocabulary", () => {
  expect(vocabularyOf({})).toBeUndefined();
  expect(vocabularyOf({ vocabulary: at("ids.json"), unknown: "7" })).toEqual({
    name: "vocabulary",
    tokens: [5, 0, 7],
    unknown: 7,
  });
  const words = { vocabulary: at("words.txt"), unknown: "the" };
  expect(vocabularyOf({ ...words, words: at("list.json") })).toMatchObject({ tokens: [0, 2], unknown: 2 });
  expect(vocabularyOf({ ...words, words: at("tokenizer.json") })).toMatchObject({ tokens: [3, 9], unknown: 9 });
});

test("what is wrong is said", () => {
  const code = (code: string) => expect.objectContaining({ code });
  expect(() => vocabularyOf({ unknown: "7" })).toThrow(code("option-invalid"));
  expect(() => vocabularyOf({ vocabulary: at("none.txt") })).toThrow(code("file-unreadable"));
  expect(() => vocabularyOf({ vocabulary: at("words.txt") })).toThrow(code("token-list"));
  expect(() => vocabularyOf({ vocabulary: at("words.txt"), words: at("wrong.json") })).toThrow(code("words-invalid"));
  expect(() => vocabularyOf({ vocabulary: at("words.txt"), words: at("words.txt") })).toThrow(code("file-unreadable"));
});
