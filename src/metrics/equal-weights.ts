// Weights that hold the same bytes under different names: stored twice for nothing. Found by a streamed hash among those
// of one type and shape, and confirmed by comparing the bytes; one piece of each in memory at a time.

import type { TensorData } from "../tensor/tensor.js";
import type { Constant } from "./constants.js";

/** Smaller ones (scalars, shapes) are equal by chance, and not worth a word. */
const LEAST_BYTES = 64;

/** Groups of two and more, in file order. */
export async function equalWeights(
  all: readonly Constant[],
  onRead: (bytes: number) => void = () => {},
  signal?: AbortSignal,
): Promise<readonly (readonly Constant[])[]> {
  const alike = new Map<string, Constant[]>();
  for (const constant of all) {
    if (constant.bytes < LEAST_BYTES || constant.sparse || constant.dtype === "string") continue;
    const key = `${constant.dtype}[${constant.dims}]`;
    const list = alike.get(key);
    if (list) list.push(constant);
    else alike.set(key, [constant]);
  }
  const groups: Constant[][] = [];
  for (const candidates of alike.values()) {
    if (candidates.length < 2) continue;
    const byHash = new Map<string, Constant[]>();
    for (const constant of candidates) {
      signal?.throwIfAborted();
      const key = await hash(constant.parts[0]!.data);
      onRead(constant.bytes);
      const list = byHash.get(key);
      if (list) list.push(constant);
      else byHash.set(key, [constant]);
    }
    for (const same of byHash.values()) if (same.length > 1) groups.push(...(await confirmed(same)));
  }
  const order = new Map(all.map((constant, index) => [constant, index]));
  return groups.sort((a, b) => order.get(a[0]!)! - order.get(b[0]!)!);
}

/** Splits by bytes: a hash of 64 bits may collide when someone wants it to. */
async function confirmed(candidates: readonly Constant[]): Promise<Constant[][]> {
  const groups: Constant[][] = [];
  for (const constant of candidates) {
    let home: Constant[] | undefined;
    for (const group of groups) {
      if (await sameBytes(group[0]!.parts[0]!.data, constant.parts[0]!.data)) {
        home = group;
        break;
      }
    }
    if (home) home.push(constant);
    else groups.push([constant]);
  }
  return groups.filter((group) => group.length > 1);
}

const PIECE = 2 ** 20;

async function sameBytes(a: TensorData, b: TensorData): Promise<boolean> {
  if (a.byteLength !== b.byteLength) return false;
  if (a.span && b.span && a.span.source === b.span.source && a.span.offset === b.span.offset) return true;
  for (let at = 0; at < a.byteLength; at += PIECE) {
    const end = Math.min(at + PIECE, a.byteLength);
    const [left, right] = [await a.read(at, end), await b.read(at, end)];
    for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  }
  return true;
}

/** Two 32-bit multiply-xor hashes (the finaliser constants of MurmurHash3) over the little-endian words. */
export async function hash(data: TensorData): Promise<string> {
  let a = 0x9e3779b9;
  let b = 0x85ebca6b;
  // Pieces may break anywhere: what does not fill a word waits for the next.
  let carry = new Uint8Array(0);
  const mix = (words: Uint32Array) => {
    for (let at = 0; at < words.length; at++) {
      const word = words[at]!;
      a = Math.imul(a ^ word, 0xcc9e2d51);
      a ^= a >>> 15;
      b = Math.imul(b + word, 0x1b873593) ^ (b >>> 13);
    }
  };
  for await (const piece of data.stream()) {
    const joined = carry.length === 0 && piece.byteOffset % 4 === 0 ? piece : concat(carry, piece);
    const whole = joined.length & ~3;
    mix(new Uint32Array(joined.buffer, joined.byteOffset, whole >> 2));
    carry = joined.slice(whole);
  }
  if (carry.length > 0) mix(new Uint32Array(concat(carry, new Uint8Array(4 - carry.length)).buffer));
  return `${(a >>> 0).toString(16)}-${(b >>> 0).toString(16)}`;
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
