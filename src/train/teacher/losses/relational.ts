// How samples stand to one another: distances of pairs and angles of triples of embeddings.

import { z } from "zod";
import type { Emitter } from "../../emitter.js";
import { rows } from "../features.js";
import { severalSamples } from "../several-samples.js";
import { defineTeacherLoss } from "../teacher-loss.js";

export const relational = defineTeacherLoss({
  name: "relational",
  summary: "Difference of the distances between samples, in units of their mean, and of the angles of triples (RKD)",
  reference: "https://arxiv.org/abs/1904.05068",
  options: z.object({
    distance: z.number().min(0).default(1).describe("Factor of the distances"),
    angle: z.number().min(0).default(2).describe("Factor of the angles; these cost batch^3 numbers"),
  }),
  on: "inner",
  check: severalSamples,
  write({ emit, value, target, options: { distance, angle } }) {
    const [own, wanted] = [rows(emit, value), rows(emit, target)];
    const batch = emit.dims(own)[0]!;
    const parts: string[] = [];
    if (distance > 0) {
      const error = emit.sub(distances(emit, own), distances(emit, wanted));
      parts.push(emit.scale(emit.reduceMean(huber(emit, error), [1], false), distance));
    }
    if (angle > 0) {
      const error = emit.sub(angles(emit, own), angles(emit, wanted));
      parts.push(emit.scale(emit.reduceMean(huber(emit, error), [1, 2], false), angle));
    }
    const sums = parts.reduce((sum, part) => emit.add(sum, part), emit.expand(emit.number(0), [batch]));
    return { sums };
  },
});

/** [batch, batch]: Euclidean, in units of the mean over different samples. */
function distances(emit: Emitter, x: string): string {
  const [batch] = emit.dims(x) as [number];
  const squares = emit.reduceSquares(x, [1]);
  const both = emit.add(squares, emit.swap(squares));
  const square = emit.sub(both, emit.scale(emit.matmul(x, emit.swap(x)), 2));
  const apart = emit.sub(emit.number(1), identity(emit, batch));
  // The root has no gradient at 0: a sample is not compared with itself.
  const found = emit.mul(emit.sqrt(emit.max(square, emit.number(1e-12))), apart);
  const mean = emit.scale(emit.total(found), 1 / (batch * (batch - 1)));
  return emit.div(found, emit.shift(mean, 1e-12));
}

/** [batch, batch, batch]: cosine at sample i of the directions to j and k. */
function angles(emit: Emitter, x: string): string {
  const [batch, size] = emit.dims(x) as [number, number];
  const difference = emit.sub(emit.reshape(x, [1, batch, size]), emit.reshape(x, [batch, 1, size]));
  const length = emit.sqrt(emit.shift(emit.reduceSquares(difference, [2]), 1e-12));
  const direction = emit.div(difference, length);
  return emit.matmul(direction, emit.swap(direction));
}

/** Half the square up to 1, then its tangent. */
function huber(emit: Emitter, error: string): string {
  const size = emit.abs(error);
  const near = emit.min(size, emit.number(1));
  return emit.mul(near, emit.sub(size, emit.scale(near, 0.5)));
}

function identity(emit: Emitter, size: number): string {
  const values = new Float32Array(size * size);
  for (let i = 0; i < size; i++) values[i * size + i] = 1;
  return emit.floats([size, size], values);
}
