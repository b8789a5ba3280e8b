// What the name of a dimension says about its size: the words that exporters use.

import type { Shape } from "./model.js";

interface Guess {
  readonly size: number;
  /** Sizes to try when the model refuses that one, the likeliest first. */
  readonly candidates: readonly number[];
  readonly why: string;
}

interface Place {
  readonly symbol: string | undefined;
  readonly input: string;
  readonly axis: number;
  readonly shape: Shape;
  /** Names of all inputs of the model. */
  readonly inputs: readonly string[];
}

const IMAGE = [224, 256, 227, 299, 384, 512, 320, 416, 640, 128, 96, 64, 32, 28, 48, 336, 448, 1024];
const SEQUENCE = [16, 128, 256, 512, 64, 32, 77, 8, 384, 1, 3000, 1500];
const AUDIO = [16000, 512, 576, 1024, 8000, 480, 256, 1536, 32000, 48000, 480000];

/** Windows of models that listen to a stream, at 16 kHz. */
const STREAM = [576, 512, 1536, 1024, 480, 320, 256, 16000];

/** In order: the first that fits. `words` are looked for in the symbol. */
const WORDS: readonly { readonly words: RegExp; readonly size: number; readonly candidates: readonly number[] }[] = [
  { words: /past|cache/i, size: 8, candidates: [1, 16, 0] },
  { words: /batch|^(?:n|b|bs|bsz)$|num_(?:images|sentences)/i, size: 1, candidates: [2] },
  { words: /channel|^c$/i, size: 3, candidates: [1, 4, 32, 64] },
  { words: /height|width|image|^(?:h|w|dim_[23]|axis_[23])$|pixel/i, size: 224, candidates: IMAGE },
  { words: /num_samples|samples|audio|wave|pcm/i, size: 16000, candidates: AUDIO },
  { words: /frames|mel|feature_length/i, size: 128, candidates: [3000, 100, 256, 80, 64] },
  { words: /feature_size|n_mels|num_mel/i, size: 80, candidates: [128, 40, 64] },
  { words: /seq|length|token|time|text|^(?:s|t|l)$|len$|words|ids/i, size: 16, candidates: SEQUENCE },
  { words: /point|box|query|queries|region/i, size: 4, candidates: [1, 2, 16] },
];

/** A size for a dimension that nothing else settles. */
export function dimGuess({ symbol, input, axis, shape, inputs }: Place): Guess {
  const word = symbol === undefined ? undefined : WORDS.find(({ words }) => words.test(symbol));
  // A waveform: [batch, samples], where a name speaks of sound, or there is a sample rate to state.
  const rate = inputs.some((name) => /^(sr|fs|sample_?rate|sampling_?rate)$/i.test(name));
  const state = inputs.some((name) => /state|^[hc](_?0|n)?$/i.test(name));
  const sound = /audio|wave|speech|^(?:input_values|pcm)$/i.test(input) || (rate && /^(input|x)$/i.test(input));
  if (sound && axis === shape.length - 1 && (word === undefined || word.candidates === SEQUENCE)) {
    return rate && state
      ? { size: 576, candidates: STREAM, why: ", as a window of sound" }
      : { size: 16000, candidates: AUDIO, why: " from the input's name" };
  }
  if (word !== undefined) {
    // "sequence" on a float waveform, text or a recurrent input: sound is tried when text lengths fail.
    const candidates = word.candidates === SEQUENCE ? [...SEQUENCE, ...AUDIO] : word.candidates;
    return { size: word.size, candidates, why: " from its name" };
  }
  if (axis === 0 && shape.length > 1) return { size: 1, candidates: [2, 16], why: ", as a batch" };
  if (shape.length === 4 && axis === 1) return { size: 3, candidates: [1, 4], why: ", as image channels" };
  if (shape.length === 4) return { size: 224, candidates: IMAGE, why: ", as image height and width" };
  if (shape.length === 0 || axis === 0) return { size: 1, candidates: [16, 2], why: "" };
  return { size: 16, candidates: [...SEQUENCE, 768, 512, 384, 1024, 80, 40, ...AUDIO], why: ", as a length" };
}

/**
 * A symbol that is an expression of others, as exporters write them: "past_sequence_length + 1", "batch*heads",
 * "floor(height/2)", "total_sequence_length" (past and new tokens). Undefined when it is not, or a part is not known.
 * Operators are applied in the usual order; division rounds down.
 */
export function evaluateSymbol(symbol: string, sizes: ReadonlyMap<string, number>): number | undefined {
  if (/^total|attention_mask|^full_|^kv_len/.test(symbol)) {
    const past = find(sizes, (name) => /past|cache/.test(name));
    const now = find(sizes, (name) => /^(seq|sequence|n_?tokens|tokens)/.test(name));
    return past === undefined || now === undefined ? undefined : past + now;
  }
  const text = symbol.replace(/floor|\s+/g, "").replaceAll("//", "/");
  if (!/[-+*/]/.test(text) || !/^[\w.()+*/-]+$/.test(text)) return undefined;
  const tokens = text.match(/[\w.]+|[()+*/-]/g) ?? [];
  let at = 0;
  const factor = (): number => {
    const token = tokens[at++];
    if (token === "(") {
      const inner = sum();
      return tokens[at++] === ")" ? inner : Number.NaN;
    }
    if (token === undefined) return Number.NaN;
    return /^\d+$/.test(token) ? Number(token) : (sizes.get(token) ?? Number.NaN);
  };
  const product = (): number => {
    let value = factor();
    while (tokens[at] === "*" || tokens[at] === "/") {
      value = tokens[at++] === "*" ? value * factor() : Math.floor(value / factor());
    }
    return value;
  };
  const sum = (): number => {
    let value = product();
    while (tokens[at] === "+" || tokens[at] === "-") value += tokens[at++] === "+" ? product() : -product();
    return value;
  };
  const value = sum();
  return at === tokens.length && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function find(sizes: ReadonlyMap<string, number>, fits: (name: string) => boolean): number | undefined {
  for (const [name, size] of sizes) if (fits(name)) return size;
  return undefined;
}
