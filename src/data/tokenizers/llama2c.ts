// The tokenizer.bin of llama2.c: byte-pair encoding that always merges the pair with the best score.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { endsIn } from "../reader.js";
import { defineTokenizer } from "./tokenizer.js";

const UNKNOWN = 0;
const BOS = 1;
const EOS = 2;
/** Ids 3 to 258 stand for single bytes. */
const FIRST_BYTE = 3;

export const llama2c = defineTokenizer({
  name: "llama2c",
  summary: "tokenizer.bin of llama2.c (SentencePiece BPE by scores, byte fallback); begins with id 1.",
  reference: "https://github.com/karpathy/llama2.c/blob/master/run.c, encode()",
  options: z.strictObject({ type: z.literal("llama2c"), file: z.string().describe("tokenizer.bin of llama2.c") }),
  accepts: (file) => endsIn(file, [".bin"]),
  async open({ file }, place) {
    const { ids, scores } = parse(await place.bytes(file), file);
    const words = [...ids.keys()];
    return {
      unknown: UNKNOWN,
      special: new Set([BOS, EOS]),
      encode(text, pair, limit) {
        const whole = pair === undefined ? text : `${text} ${pair}`;
        const tokens = merge(characters(whole, ids), words, ids, scores);
        return { ids: [BOS, ...tokens].slice(0, limit) };
      },
    };
  },
});

/** Ids of the single characters; a character that is no token becomes its UTF-8 bytes. A space is put in front. */
function characters(text: string, ids: ReadonlyMap<string, number>): number[] {
  const out: number[] = [];
  const space = ids.get(" ");
  if (text !== "" && space !== undefined) out.push(space);
  for (const character of text) {
    const id = ids.get(character);
    if (id !== undefined) out.push(id);
    else for (const byte of new TextEncoder().encode(character)) out.push(byte + FIRST_BYTE);
  }
  return out;
}

function merge(
  tokens: number[],
  words: readonly string[],
  ids: ReadonlyMap<string, number>,
  scores: readonly number[],
): number[] {
  // Only pairs next to the last merge change: their merged ids are kept from round to round.
  const joined = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? -1 : (ids.get(words[a]! + words[b]!) ?? -1);
  const list = [...tokens];
  const pairs = list.map((token, i) => joined(token, list[i + 1]));
  for (;;) {
    let best = -1;
    for (let i = 0; i < pairs.length; i++) {
      if (pairs[i]! >= 0 && (best < 0 || scores[pairs[i]!]! > scores[pairs[best]!]!)) best = i;
    }
    if (best < 0) return list;
    list.splice(best, 2, pairs[best]!);
    pairs.splice(best, 1);
    pairs[best] = joined(list[best], list[best + 1]);
    if (best > 0) pairs[best - 1] = joined(list[best - 1], list[best]);
  }
}

function parse(bytes: Uint8Array, file: string): { ids: Map<string, number>; scores: number[] } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ids = new Map<string, number>();
  const scores: number[] = [];
  const decoder = new TextDecoder("utf-8");
  let at = 4;
  while (at + 8 <= bytes.length) {
    const length = view.getInt32(at + 4, true);
    if (length < 0 || at + 8 + length > bytes.length) break;
    const id = scores.length;
    const word = decoder.decode(bytes.subarray(at + 8, at + 8 + length));
    scores.push(view.getFloat32(at, true));
    // Byte tokens and repeated words keep a key of their own, so that the order of the keys is that of the ids.
    ids.set(ids.has(word) ? `\u0000${id}` : word, id);
    at += 8 + length;
  }
  if (at === bytes.length && scores.length > FIRST_BYTE) return { ids, scores };
  throw invalid("data-vocabulary", `${file} is not a tokenizer.bin of llama2.c.`);
}
