// One synthetic value for one model input, drawn by what its name, element type and shape say it is.

import { unsupported } from "../base/errors.js";
import type { DType } from "../tensor/dtype.js";
import type { Random } from "../tensor/random.js";
import type { Value } from "../tensor/value.js";
import { makeValue } from "./cast.js";
import { smoothPicture, smoothSound } from "./smooth.js";

export interface InputFacts {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Number of valid indices, where the input looks up rows of a table. */
  readonly vocabulary: number | undefined;
  /** Tokens already in the cache of a decoder; 0 without one. */
  readonly past: number;
  /** Length of the sequence that is fed, for inputs that state lengths. */
  readonly length: number;
  /** The model takes sound: it asks for a sample rate. */
  readonly sound: boolean;
  /** Of the sample in its dataset: recurrent states are zero in the first only. */
  readonly index: number;
}

/** The rules in order; the first that gives something decides. */
export function syntheticValue(facts: InputFacts, random: Random): Value {
  const { name, dtype, dims } = facts;
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (dtype === "string") return { dtype, dims, data: Array.from({ length: count }, () => "a short text") };
  const fill = (draw: (i: number) => number) =>
    makeValue(
      dtype,
      dims,
      Float64Array.from({ length: count }, (_, i) => draw(i)),
    );
  if (/^(bfloat16|float[48]|complex)/.test(dtype)) {
    throw unsupported("synthetic-dtype", `pare cannot make up ${dtype} values for input "${name}".`, {
      node: name,
      hint: "Give data with --data.",
    });
  }
  const named = byName(facts, random);
  if (named !== undefined) return fill(named);
  if (dtype === "bool") return fill(() => 1);
  if (/^u?int/.test(dtype)) return integers(facts, random, fill);
  const picture = dims.length === 4 ? pictures(facts, random) : undefined;
  if (picture !== undefined) return makeValue(dtype, dims, picture);
  if (isSound(facts)) {
    const length = dims.at(-1)!;
    const sounds = Array.from({ length: count / Math.max(1, length) }, () => smoothSound(length, random));
    return fill((i) => sounds[Math.floor(i / length)]![i % length]!);
  }
  return fill(() => random.normal());
}

function byName(facts: InputFacts, random: Random): ((i: number) => number) | undefined {
  const { name, dtype, dims, past, length, index } = facts;
  const row = dims.at(-1) ?? 1;
  const float = /^float/.test(dtype);
  if (/use_cache/i.test(name)) return () => (past > 0 ? 1 : 0);
  if (/past|key_value|(^|[._])cache([._]|$)/i.test(name) && float) return () => 0.5 * random.normal();
  if (/padding_mask/i.test(name)) return () => 0;
  if (/mask/i.test(name)) return () => 1;
  if (/token_type|segment/i.test(name) && !float) return () => 0;
  if (/position/i.test(name) && !float) return (i) => past + (i % row);
  if (/^(sr|fs|sample_?rate|sampling_?rate)$/i.test(name)) return () => 16000;
  if (/(^|_)(len|length|lengths|lens)$/i.test(name) && !float) return () => length;
  if (/(^|[._])(h|c|hn|cn|h_?0|c_?0|state|states|hidden|cell|h_in|c_in|init\w*)$/i.test(name) && float) {
    return index === 0 ? () => 0 : () => 0.1 * random.normal();
  }
  return undefined;
}

function integers(facts: InputFacts, random: Random, fill: (draw: (i: number) => number) => Value): Value {
  const { dtype, dims, vocabulary } = facts;
  if (vocabulary !== undefined) {
    // 0 is padding in most vocabularies: a sequence of it would be a poor probe.
    return fill(() => (vocabulary > 2 ? 1 + random.int(vocabulary - 1) : random.int(vocabulary)));
  }
  if (dims.length === 4 && (dtype === "uint8" || dtype === "int8")) {
    const picture = pictures(facts, random, 255);
    if (picture !== undefined) return fill((i) => Math.round(picture[i]!) - (dtype === "int8" ? 128 : 0));
  }
  return dims.length === 0 ? fill(() => 1) : fill(() => random.int(2));
}

/** Smooth pictures where an axis looks like colours; colours as networks take them: mean 0, deviation about 1. */
function pictures(facts: InputFacts, random: Random, scale?: number): Float32Array | undefined {
  const [batch, second, third, fourth] = facts.dims as [number, number, number, number];
  const colours = (channels: number) => channels === 1 || channels === 3 || channels === 4;
  const first = colours(second);
  if (!first && !colours(fourth)) return undefined;
  const channels = first ? second : fourth;
  const [height, width] = first ? [third, fourth] : [second, third];
  const area = height * width;
  const all = new Float32Array(batch * channels * area);
  for (let n = 0; n < batch; n++) {
    const light = smoothPicture(height, width, random);
    for (let c = 0; c < channels; c++) {
      // Colours of one picture go together: half common light, half their own.
      const own = channels === 1 ? light : smoothPicture(height, width, random);
      for (let i = 0; i < area; i++) {
        const value = (light[i]! + own[i]!) / 2;
        const at = first ? (n * channels + c) * area + i : (n * area + i) * channels + c;
        all[at] = scale !== undefined ? value * scale : channels === 1 ? value : (value - 0.45) / 0.225;
      }
    }
  }
  return all;
}

const isSound = ({ name, dims, sound }: InputFacts): boolean =>
  dims.length >= 1 &&
  dims.length <= 3 &&
  dims.at(-1)! >= 128 &&
  (sound || /audio|wave|speech|sound|pcm|input_values/i.test(name));
