// Seeded draws of training. Each depends on the seed, what it is for and a place only: a run that is resumed draws the same.

import { drawAt, type Random, random } from "../tensor/random.js";

/** What is drawn, so that no two purposes share their numbers. */
const PURPOSES = { order: 0x6f72, buffer: 0x6275, mask: 0x6d61 } as const;

/** A generator for the `index`-th draw of a purpose. */
export const drawn = (seed: number, purpose: keyof typeof PURPOSES, index: number): Random =>
  random(Math.floor(drawAt(seed + PURPOSES[purpose] * 2 ** 32, index) * 2 ** 32));

/** The numbers 0 to size - 1 in the order of an epoch (Fisher and Yates). */
export function permutation(size: number, seed: number, epoch: number): Uint32Array {
  const order = Uint32Array.from({ length: size }, (_, index) => index);
  const source = drawn(seed, "order", epoch);
  for (let last = size - 1; last > 0; last--) {
    const other = source.int(last + 1);
    const kept = order[last]!;
    order[last] = order[other]!;
    order[other] = kept;
  }
  return order;
}

/** A dropout mask: 0 with probability `rate`, else 1 / (1 - rate). */
export function dropoutMask(count: number, rate: number, source: Random): Float32Array {
  const mask = new Float32Array(count);
  const kept = 1 / (1 - rate);
  for (let i = 0; i < count; i++) mask[i] = source.next() < rate ? 0 : kept;
  return mask;
}
