// Numbers that TypeScript and Python make alike from a seed (twin: bench/train/drawn.py): inputs need not be stored.

import type { Value } from "../../src/tensor/value.js";

/** 32 well mixed bits. */
export function mixed(index: number, seed: number): number {
  let h = (index + Math.imul(seed, 0x9e3779b1)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
  return (h ^ (h >>> 16)) >>> 0;
}

/** float32 in [low, high). */
export function drawn(dims: readonly number[], seed: number, low = -1, high = 1): Value {
  const data = new Float32Array(count(dims));
  for (let i = 0; i < data.length; i++) data[i] = low + (high - low) * (mixed(i, seed) / 2 ** 32);
  return { dtype: "float32", dims, data };
}

/** int64 in [start, below). */
export function drawnBelow(dims: readonly number[], seed: number, below: number, start = 0): Value {
  const data = new BigInt64Array(count(dims));
  for (let i = 0; i < data.length; i++) data[i] = BigInt(start + (mixed(i, seed) % (below - start)));
  return { dtype: "int64", dims, data };
}

/** An input as a fixture of tests/fixtures/train describes it. */
export type Drawn = { readonly dims: readonly number[] } & (
  | { readonly kind: "uniform"; readonly seed: number; readonly low: number; readonly high: number }
  | { readonly kind: "below"; readonly seed: number; readonly below: number; readonly start: number }
  | { readonly kind: "lengths"; readonly lengths: readonly number[] }
  | { readonly kind: "constant"; readonly value: number }
);

export function drawnValue(one: Drawn): Value {
  const { dims } = one;
  if (one.kind === "uniform") return drawn(dims, one.seed, one.low, one.high);
  if (one.kind === "below") return drawnBelow(dims, one.seed, one.below, one.start);
  if (one.kind === "constant") return { dtype: "int64", dims, data: BigInt64Array.of(BigInt(one.value)) };
  const data = one.lengths.flatMap((length) => Array.from({ length: dims[1]! }, (_, at) => (at < length ? 1n : 0n)));
  return { dtype: "int64", dims, data: BigInt64Array.from(data) };
}

const count = (dims: readonly number[]) => dims.reduce((all, one) => all * one, 1);
