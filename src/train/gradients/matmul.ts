// Y = A B: dA = dY B^T, dB = A^T dY, over broadcast batches. A vector counts as a matrix of one row or column.

import { defineGradient } from "./rule.js";

export const matmul = defineGradient({
  name: "matmul",
  summary: "MatMul: batched, broadcast, vectors",
  operators: ["MatMul"],
  backward({ emit, input, gradient, needs }) {
    const [a, b] = [emit.dims(input(0)), emit.dims(input(1))];
    const left = a.length === 1 ? emit.reshape(input(0), [1, a[0]!]) : input(0);
    const right = b.length === 1 ? emit.reshape(input(1), [b[0]!, 1]) : input(1);
    const dims = [...emit.dims(gradient(0)!)];
    // Where a vector stood, its dimension was taken from the result.
    if (b.length === 1) dims.push(1);
    if (a.length === 1) dims.splice(dims.length - 1, 0, 1);
    const dy = emit.reshape(gradient(0)!, dims);
    const asInput = (gradientOf: string, padded: string, dims: readonly number[]) =>
      emit.reshape(emit.reduceTo(gradientOf, emit.dims(padded)), dims);
    return [
      needs(0) ? asInput(emit.matmul(dy, emit.swap(right)), left, a) : undefined,
      needs(1) ? asInput(rightGradient(), right, b) : undefined,
    ];

    function rightGradient(): string {
      const rows = emit.dims(left);
      // A weight shared by the batch: one large product instead of a sum of small ones.
      if (emit.rank(right) === 2 && rows.length > 2) {
        const flat = (name: string) => {
          const size = emit.dims(name);
          return emit.reshape(name, [size.slice(0, -1).reduce((all, one) => all * one, 1), size.at(-1)!]);
        };
        return emit.matmul(emit.swap(flat(left)), flat(dy));
      }
      return emit.matmul(emit.swap(left), dy);
    }
  },
});
