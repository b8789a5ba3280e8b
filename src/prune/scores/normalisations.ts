// How scores of different layers are made comparable: each layer's scores are divided by something of that layer. None of them
// changes the order within a layer.

import { type Method, registry } from "../../base/registry.js";

interface Normalisation extends Method {
  /** `scores`: finite, not negative. `elements`: weights of the layer or group that they are of. */
  apply<Scores extends Float32Array | Float64Array>(scores: Scores, elements: number): Scores;
}

const divided = <Scores extends Float32Array | Float64Array>(scores: Scores, by: number): Scores =>
  by > 0 ? (scores.map((score) => score / by) as Scores) : scores;

const total = (scores: Float32Array | Float64Array): number => {
  let sum = 0;
  for (const score of scores) sum += score;
  return sum;
};

const mean = (scores: Float32Array | Float64Array) => total(scores) / scores.length;

function deviation(scores: Float32Array | Float64Array): number {
  const middle = mean(scores);
  let sum = 0;
  for (const score of scores) sum += (score - middle) ** 2;
  return Math.sqrt(sum / scores.length);
}

function largest(scores: Float32Array | Float64Array): number {
  let most = 0;
  for (const score of scores) if (score > most) most = score;
  return most;
}

const method = (name: string, summary: string, apply: Normalisation["apply"]): Normalisation => ({
  name,
  summary,
  apply,
});

export const normalisations = registry<Normalisation>("normalisation", [
  method("none", "As they are", (scores) => scores),
  method("mean", "Divided by their mean", (scores) => divided(scores, mean(scores))),
  method("max", "Divided by the largest", (scores) => divided(scores, largest(scores))),
  method("sum", "Divided by their sum", (scores) => divided(scores, total(scores))),
  method("deviation", "Divided by their standard deviation", (scores) => divided(scores, deviation(scores))),
  method("size", "Divided by the root of the number of weights: small layers are spared", (scores, elements) =>
    divided(scores, Math.sqrt(elements)),
  ),
  method("lamp", "Divided by the sum of those that are not smaller (https://arxiv.org/abs/2010.07611)", (scores) =>
    lampOf(scores),
  ),
]);

/**
 * Each score over the sum of all that are not smaller, itself included (Lee et al. 2021). Equal scores stay equal, so the
 * result does not depend on the order in which they stand; the largest is 1 where there is one largest.
 */
export function lampOf<Scores extends Float32Array | Float64Array>(scores: Scores): Scores {
  const sorted = scores.slice().sort();
  // rest[i]: the sum from i on. From the largest down, so that small ones are not lost among large ones.
  const rest = new Float64Array(sorted.length + 1);
  for (let i = sorted.length - 1; i >= 0; i--) rest[i] = rest[i + 1]! + sorted[i]!;
  return scores.map((score) => (score === 0 ? 0 : score / rest[firstNotBelow(sorted, score)]!)) as Scores;
}

function firstNotBelow(sorted: Float32Array | Float64Array, score: number): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < score) low = middle + 1;
    else high = middle;
  }
  return low;
}
