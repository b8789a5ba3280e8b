// What a tensor's bytes are, without holding them: a streamed hash, and a streamed comparison.

import type { TensorData } from "./tensor.js";

/**
 * A 64-bit hash of the bytes (of the first `limit` when given), the same however the stream is cut. Two independent
 * 32-bit lanes of MurmurHash3's mixing (Appleby, public domain). Not for adversaries: compare before trusting equality.
 */
export async function hashData(data: TensorData, limit = data.byteLength): Promise<string> {
  const end = Math.min(limit, data.byteLength);
  let a = 0x9747b28c;
  let b = 0x2545f491;
  let word = 0;
  let filled = 0;
  const mix = (k: number) => {
    let ka = Math.imul(k, 0xcc9e2d51);
    ka = (ka << 15) | (ka >>> 17);
    a ^= Math.imul(ka, 0x1b873593);
    a = (a << 13) | (a >>> 19);
    a = (Math.imul(a, 5) + 0xe6546b64) | 0;
    let kb = Math.imul(k, 0x85ebca6b);
    kb = (kb << 16) | (kb >>> 16);
    b ^= Math.imul(kb, 0xc2b2ae35);
    b = (b << 11) | (b >>> 21);
    b = (Math.imul(b, 3) + 0x38495ab5) | 0;
  };
  const pieces = end < data.byteLength ? [await data.read(0, end)] : data.stream();
  for await (const piece of pieces) {
    let at = 0;
    // Bytes up to a word boundary of the whole, then whole words, then the rest.
    for (; at < piece.length && filled > 0; at++) take(piece[at]!);
    const words = (piece.length - at) >>> 2;
    if ((piece.byteOffset + at) % 4 === 0) {
      for (const k of new Uint32Array(piece.buffer, piece.byteOffset + at, words)) mix(k);
    } else {
      const view = new DataView(piece.buffer, piece.byteOffset + at, words * 4);
      for (let i = 0; i < words; i++) mix(view.getUint32(i * 4, true));
    }
    for (at += words * 4; at < piece.length; at++) take(piece[at]!);
  }
  function take(byte: number): void {
    word |= byte << (8 * filled);
    if (++filled < 4) return;
    mix(word);
    word = 0;
    filled = 0;
  }
  if (filled > 0) mix(word);
  return `${end}-${final(a ^ end)}${final(b ^ end)}`;
}

function final(h: number): string {
  let x = h ^ (h >>> 16);
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  x ^= x >>> 16;
  return (x >>> 0).toString(16).padStart(8, "0");
}

/** Whether two tensors hold the same bytes. Reads nothing where both are the same place in the same file. */
export async function equalData(a: TensorData, b: TensorData): Promise<boolean> {
  if (a.byteLength !== b.byteLength) return false;
  if (a === b) return true;
  if (a.span && b.span && a.span.source === b.span.source && a.span.offset === b.span.offset) return true;
  const [left, right] = [pieces(a), pieces(b)];
  let x = await left.next();
  let y = await right.next();
  let [i, j] = [0, 0];
  try {
    while (!x.done && !y.done) {
      const length = Math.min(x.value.length - i, y.value.length - j);
      for (let k = 0; k < length; k++) if (x.value[i + k] !== y.value[j + k]) return false;
      i += length;
      j += length;
      if (i === x.value.length) [x, i] = [await left.next(), 0];
      if (!y.done && j === y.value.length) [y, j] = [await right.next(), 0];
    }
    return true;
  } finally {
    await left.return?.();
    await right.return?.();
  }
}

const pieces = (data: TensorData) => data.stream()[Symbol.asyncIterator]();
