// The kinds of tokenizer, and how a bare path is recognised as one of them.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { registry } from "../../base/registry.js";
import type { Place } from "../reader.js";
import { huggingface } from "./huggingface.js";
import { llama2c } from "./llama2c.js";
import type { Tokenizer } from "./tokenizer.js";
import { vocabulary } from "./vocabulary.js";

/** In the order in which a bare file is offered to them. */
export const tokenizers = registry("tokenizer", [huggingface, vocabulary, llama2c]);

const [first, ...others] = tokenizers.list.map(({ options }) => options);

export const tokenizerOptions = z
  .union([z.string(), z.discriminatedUnion("type", [first!, ...others])])
  .describe("A file (tokenizer.json, a vocabulary .txt or .json, tokenizer.bin of llama2.c), or its kind and options");

/** Nothing asked: the tokenizer.json beside the data, else the one beside the model. */
export async function openTokenizer(
  asked: z.output<typeof tokenizerOptions> | undefined,
  place: Place,
): Promise<Tokenizer> {
  const stated = asked ?? (await beside(place));
  if (typeof stated !== "string") return tokenizers.get(String(stated.type)).open(stated, place);
  for (const kind of tokenizers.list) {
    if (await kind.accepts(stated, () => place.text(stated))) {
      return kind.open(kind.options.parse({ type: kind.name, file: stated }), place);
    }
  }
  throw invalid("data-tokenizer", `${stated} is no kind of tokenizer that is known.`, {
    expected: "tokenizer.json, a vocabulary in .txt or .json, or tokenizer.bin",
  });
}

async function beside(place: Place): Promise<string> {
  for (const folder of [place.resolve("."), place.modelFolder]) {
    if (folder === undefined) continue;
    const names = await place.list(folder === "" ? "." : folder);
    if (names?.includes("tokenizer.json")) return folder === "" ? "tokenizer.json" : `${folder}/tokenizer.json`;
  }
  throw invalid(
    "data-tokenizer",
    "Text needs a tokenizer, and there is no tokenizer.json beside the data or the model.",
    {
      hint: 'State it in a dataset.json: "tokenizer": "path/to/tokenizer.json" (docs/data.md).',
    },
  );
}
