// tokenizer.json of Hugging Face, by their own library.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { folderOf } from "../place.js";
import { endsIn, type Place } from "../reader.js";
import { defineTokenizer } from "./tokenizer.js";

export const huggingface = defineTokenizer({
  name: "huggingface",
  summary: "A tokenizer.json as transformers models have it, special tokens by its post-processor.",
  reference: "https://github.com/huggingface/tokenizers.js",
  options: z.strictObject({
    type: z.literal("huggingface"),
    file: z.string().describe("tokenizer.json; tokenizer_config.json is read where it stands beside it"),
  }),
  // A word list is JSON too; only tokenizer.json describes a model.
  accepts: async (file, content) => endsIn(file, [".json"]) && /"model"\s*:\s*\{/.test(await content()),
  async open({ file }, place) {
    const { Tokenizer } = await import("@huggingface/tokenizers");
    const described = parse(await place.text(file), file);
    const tokenizer = new Tokenizer(described, await config(file, place));
    return {
      unknown: unknownOf(described, (token) => tokenizer.token_to_id(token)),
      special: new Set([...tokenizer.get_added_tokens_decoder()].flatMap(([id, { special }]) => (special ? [id] : []))),
      encode(text, pair, limit) {
        const asked = { text_pair: pair ?? null, return_token_type_ids: true } as const;
        // Without a post-processor there are no types.
        const { ids, token_type_ids: types }: Encoded = tokenizer.encode(text, asked);
        if (ids.length <= limit) return { ids, ...(types && { types }) };
        // As "longest first" truncation does for one text: the end is cut, what the post-processor closes with stays.
        const bare = tokenizer.encode(text, { ...asked, add_special_tokens: false }).ids;
        const closing = ids.length - lastIndexOfRun(ids, bare) - bare.length;
        const tail = pair === undefined && closing > 0 && closing < limit ? closing : 0;
        const cut = <T>(list: readonly T[]) => [...list.slice(0, limit - tail), ...list.slice(list.length - tail)];
        return { ids: cut(ids), ...(types && { types: cut(types) }) };
      },
    };
  },
});

/** WordPiece and BPE name the unknown token, Unigram numbers it. */
function unknownOf(described: object, idOf: (token: string) => number | undefined): number | undefined {
  const { model } = described as { model?: { unk_token?: unknown; unk_id?: unknown } };
  if (typeof model?.unk_token === "string") return idOf(model.unk_token);
  return typeof model?.unk_id === "number" ? model.unk_id : undefined;
}

interface Encoded {
  readonly ids: readonly number[];
  readonly token_type_ids?: readonly number[] | undefined;
}

/** Where the ids of the bare text begin within those with special tokens; 0 when they cannot be found. */
function lastIndexOfRun(ids: readonly number[], run: readonly number[]): number {
  for (let at = ids.length - run.length; at >= 0; at--) {
    if (run.every((id, i) => ids[at + i] === id)) return at;
  }
  return ids.length - run.length;
}

async function config(file: string, place: Place): Promise<object> {
  const folder = folderOf(file);
  const name = folder === "" ? "tokenizer_config.json" : `${folder}/tokenizer_config.json`;
  const names = await place.list(folder === "" ? "." : folder);
  return names?.includes("tokenizer_config.json") ? parse(await place.text(name), name) : {};
}

function parse(text: string, file: string): object {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return parsed;
  } catch (cause) {
    throw invalid("data-json", `${file} is not JSON.`, { cause });
  }
  throw invalid("data-json", `${file} is not a JSON object.`);
}
