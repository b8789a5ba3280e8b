// The elements of a weight that are not zero, and where they stand: counted, and then made as they are pulled, in one stream
// over the weight each. Zeros are told by their bits, so that -0 is one (it comes back as 0) and NaN is none.

import { cutter } from "../../kernels/cut.js";
import { FLOAT_BYTES } from "../../kernels/numbers.js";
import { statistics } from "../../kernels/slabs.js";
import { derivedData, type TensorData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import type { Workers } from "../computation.js";

/** Bits of a gap's code. */
export type GapBits = 8 | 16;

export interface Occupancy {
  readonly elements: number;
  readonly nonZero: number;
  readonly nonFinite: number;
  /**
   * Zeros that must stand among the values because the next one is farther away than a gap's code can say. Infinity where
   * so few elements are zero that nobody asks.
   */
  readonly escapes: { readonly [Bits in GapBits]: number };
}

/** Above this share of non-zeros a mask is smaller than gaps of any width. */
const GAPS_UP_TO = 0.2;

/** One pass by the kernels, and another over weights that are mostly zero. */
export async function occupancyOf(workers: Workers, weight: Weight): Promise<Occupancy> {
  const { tensor, elements } = weight;
  const control = { signal: workers.signal };
  const view = { from: tensor.dtype, dims: [elements] };
  const { nonZero, nonFinite } = await statistics(await workers.kernels(), tensor.data, view, control);
  const escapes = { 8: Number.POSITIVE_INFINITY, 16: Number.POSITIVE_INFINITY };
  if (nonZero <= GAPS_UP_TO * elements) {
    [escapes[8], escapes[16]] = [0, 0];
    let last = 0;
    let first = 0;
    for await (const words of wordsOf(weight, workers)) {
      const magnitude = magnitudeOf(words);
      for (let i = 0; i < words.length; i++) {
        if ((words[i]! & magnitude) === 0) continue;
        const gap = first + i - last;
        last = first + i;
        if (gap <= 255) continue;
        escapes[8] += Math.ceil(gap / 255) - 1;
        if (gap > 65535) escapes[16] += Math.ceil(gap / 65535) - 1;
      }
      first += words.length;
    }
  }
  return { elements, nonZero, nonFinite, escapes };
}

/** One bit an element, low bits first: whether it is not zero. [ceil(elements / 8)]. */
export const maskOf = (workers: Workers, weight: Weight): TensorData =>
  derivedData(Math.ceil(weight.elements / 8), async function* () {
    for await (const words of wordsOf(weight, workers)) {
      const magnitude = magnitudeOf(words);
      const bytes = new Uint8Array(Math.ceil(words.length / 8));
      for (let i = 0; i < words.length; i++) bytes[i >> 3]! |= ((words[i]! & magnitude) === 0 ? 0 : 1) << (i & 7);
      yield bytes;
    }
  });

/** The non-zeros in order, in the weight's own type, after as many zeros as `lead` says. */
export const valuesOf = (workers: Workers, weight: Weight, nonZero: number, lead: 0 | 1): TensorData =>
  derivedData((nonZero + lead) * FLOAT_BYTES[weight.tensor.dtype], async function* () {
    if (lead > 0) yield new Uint8Array(FLOAT_BYTES[weight.tensor.dtype]);
    for await (const words of wordsOf(weight, workers)) {
      const magnitude = magnitudeOf(words);
      const kept = new (arrayOf(weight))(words.length);
      let count = 0;
      // Written always and counted sometimes: no branch to be guessed wrong.
      for (let i = 0; i < words.length; i++) {
        kept[count] = words[i]!;
        count += (words[i]! & magnitude) === 0 ? 0 : 1;
      }
      if (count > 0) yield bytesOf(kept.subarray(0, count));
    }
  });

/** Places of the non-zeros in the weight laid flat: int64, as sparse_initializer has them. */
export const indicesOf = (workers: Workers, weight: Weight, nonZero: number): TensorData =>
  derivedData(nonZero * 8, async function* () {
    let first = 0;
    for await (const words of wordsOf(weight, workers)) {
      const magnitude = magnitudeOf(words);
      const places = new Uint32Array(2 * words.length);
      let count = 0;
      for (let i = 0; i < words.length; i++) {
        const place = first + i;
        places[2 * count] = place;
        places[2 * count + 1] = place / 2 ** 32;
        count += (words[i]! & magnitude) === 0 ? 0 : 1;
      }
      first += words.length;
      if (count > 0) yield bytesOf(places.subarray(0, 2 * count));
    }
  });

/**
 * The distance of each non-zero from the one before it (the first: from the start), and the non-zeros themselves. Where one is
 * too far for the code, zeros stand between. `count` entries each: non-zeros and escapes.
 */
export function gapsOf(
  workers: Workers,
  weight: Weight,
  bits: GapBits,
  count: number,
): { readonly gaps: TensorData; readonly values: TensorData } {
  const most = 2 ** bits - 1;
  async function* entries() {
    // Elements since the last non-zero, at the start of a piece.
    let open = 0;
    for await (const words of wordsOf(weight, workers)) {
      const magnitude = magnitudeOf(words);
      const room = words.length + Math.ceil((open + words.length) / most);
      const gaps = bits === 8 ? new Uint8Array(room) : new Uint16Array(room);
      const values = new (arrayOf(weight))(room);
      let at = 0;
      let last = -open;
      for (let i = 0; i < words.length; i++) {
        if ((words[i]! & magnitude) === 0) continue;
        for (; i - last > most; last += most) gaps[at++] = most;
        gaps[at] = i - last;
        values[at++] = words[i]!;
        last = i;
      }
      open = words.length - last;
      if (at > 0) yield { gaps: bytesOf(gaps.subarray(0, at)), values: bytesOf(values.subarray(0, at)) };
    }
  }
  return {
    gaps: derivedData((count * bits) / 8, async function* () {
      for await (const { gaps } of entries()) yield gaps;
    }),
    values: derivedData(count * FLOAT_BYTES[weight.tensor.dtype], async function* () {
      for await (const { values } of entries()) yield values;
    }),
  };
}

/** A multiple of 8, so that a mask has whole bytes. */
const PIECE = 2 ** 19;

/** The elements as words of their width, in order. */
async function* wordsOf(weight: Weight, { signal }: Workers): AsyncGenerator<Uint32Array | Uint16Array> {
  const bytes = cutter(weight.tensor.data.stream());
  const size = FLOAT_BYTES[weight.tensor.dtype];
  try {
    for (let first = 0; first < weight.elements; first += PIECE) {
      signal?.throwIfAborted();
      const piece = await bytes.take(Math.min(PIECE, weight.elements - first) * size);
      yield new (arrayOf(weight))(piece.buffer);
    }
  } finally {
    await bytes.close();
  }
}

const arrayOf = ({ tensor }: Weight) => (tensor.dtype === "float16" ? Uint16Array : Uint32Array);

/** All bits but the sign. */
const magnitudeOf = (words: Uint32Array | Uint16Array) => (words.BYTES_PER_ELEMENT === 4 ? 0x7fffffff : 0x7fff);

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
