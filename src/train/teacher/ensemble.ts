// Several teachers as one: the mean of their logits, or the logits of their mean probabilities.

import type { Head } from "../prepared.js";

interface Member {
  readonly data: Float32Array;
  readonly weight: number;
}

interface Place {
  readonly dims: readonly number[];
  readonly head: Head;
}

/** Weights are relative. Probabilities are those of the head: of classes along its axis, or of each number (sigmoid). */
export function ensemble(members: readonly Member[], place: Place, combine: "logits" | "probabilities"): Float32Array {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const mean = (lists: readonly ArrayLike<number>[]) =>
    Float64Array.from({ length: lists[0]!.length }, (_, at) =>
      members.reduce((sum, { weight }, index) => sum + (weight / total) * lists[index]![at]!, 0),
    );
  if (combine === "logits") return Float32Array.from(mean(members.map(({ data }) => data)));
  if (place.head.activation === "sigmoid") {
    const chances = mean(members.map(({ data }) => Float64Array.from(data, (x) => 1 / (1 + Math.exp(-x)))));
    return Float32Array.from(chances, (p) => Math.log(Math.max(p, TINY) / Math.max(1 - p, TINY)));
  }
  const chances = mean(members.map(({ data }) => softmax(data, place)));
  return Float32Array.from(chances, (p) => Math.log(Math.max(p, TINY)));
}

/** Keeps logarithms finite. */
const TINY = 1e-30;

function softmax(data: Float32Array, { dims, head: { axis } }: Place): Float64Array {
  const size = dims[axis]!;
  const step = dims.slice(axis + 1).reduce((all, one) => all * one, 1);
  const found = new Float64Array(data.length);
  for (let start = 0; start < data.length; start++) {
    if (Math.floor(start / step) % size !== 0) continue;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < size; i++) most = Math.max(most, data[start + i * step]!);
    let sum = 0;
    for (let i = 0; i < size; i++) sum += found[start + i * step] = Math.exp(data[start + i * step]! - most);
    for (let i = 0; i < size; i++) found[start + i * step]! /= sum;
  }
  return found;
}
