import fc from "fast-check";
import { expect, test } from "vitest";
import { reference } from "../kernels/dispatch.js";
import { random } from "../tensor/random.js";
import { codebookOf } from "./codebook.js";

const histogram = (values: Float32Array) =>
  reference.histogram(new Uint8Array(values.buffer), { from: "float32", rows: 1, columns: values.length });

/** Mean squared error when each value takes its nearest level. */
function meanError(values: Float32Array, levels: Float32Array): number {
  let sum = 0;
  for (const value of values) {
    let least = Number.POSITIVE_INFINITY;
    for (const level of levels) least = Math.min(least, (value - level) ** 2);
    sum += least;
  }
  return sum / values.length;
}

const draws = random(3);
const normal = Float32Array.from({ length: 60_000 }, () => draws.normal() * 0.02);

// The least error for a normal distribution: Max, "Quantizing for minimum distortion" (1960), table I.
test.each([
  [2, 0.3634],
  [4, 0.1175],
  [8, 0.03454],
  [16, 0.009497],
])("%i levels of a normal distribution are as good as can be", (entries, least) => {
  const levels = codebookOf(histogram(normal), entries);
  expect(levels).toHaveLength(entries);
  expect(meanError(normal, levels) / 0.02 ** 2).toBeLessThan(least * 1.02);
});

test("levels are as good as the best partition of the sorted values", () => {
  const value = fc.oneof(
    fc.float({ min: -4, max: 4, noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(0, 1, -3, 0.001, 100),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (all, entries) => {
      const values = Float32Array.from(all);
      const levels = codebookOf(histogram(values), entries);
      expect([...levels]).toEqual([...new Set(levels)].sort((a, b) => a - b));
      expect(levels.length).toBeLessThanOrEqual(entries);
      const pinned = values.filter((x) => Math.abs(x) < 2 ** -133).length >= 0.05 * values.length;
      if (pinned) expect([...levels]).toContain(0);
      // Bins are as wide as 1/128 of their values: those of one bin are one point to us.
      else expect(meanError(values, levels)).toBeLessThanOrEqual(1.01 * leastError(values, entries) + 1e-3);
    }),
    { numRuns: 300 },
  );
});

/** The least mean squared error of a partition of the sorted values into `entries` runs, by dynamic programming. */
function leastError(values: Float32Array, entries: number): number {
  const sorted = Float64Array.from(values).sort();
  const cost = (from: number, to: number) => {
    const part = sorted.subarray(from, to);
    const mean = part.reduce((a, b) => a + b, 0) / part.length;
    return part.reduce((a, b) => a + (b - mean) ** 2, 0);
  };
  let best = Array.from({ length: sorted.length + 1 }, (_, to) => (to === 0 ? 0 : cost(0, to)));
  for (let k = 1; k < entries; k++) {
    best = best.map((already, to) => {
      let least = already;
      for (let from = 1; from < to; from++) least = Math.min(least, best[from]! + cost(from, to));
      return least;
    });
  }
  return best[sorted.length]! / values.length;
}

test("few distinct values are their own levels, exactly", () => {
  const values = Float32Array.of(0.1, -0.3, 0.1, 0, 5, -0.3);
  expect([...codebookOf(histogram(values), 4)]).toEqual([...Float32Array.of(-0.3, 0, 0.1, 5)]);
  expect([...codebookOf(histogram(values), 256)]).toEqual([...Float32Array.of(-0.3, 0, 0.1, 5)]);
});

test("zeros, and weights without a finite value", () => {
  expect([...codebookOf(histogram(new Float32Array(9)), 16)]).toEqual([0]);
  expect([...codebookOf(histogram(Float32Array.of(-0, 0)), 2)]).toEqual([0]);
  expect([...codebookOf(histogram(new Float32Array(0)), 16)]).toEqual([0]);
  expect([...codebookOf(histogram(Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY)), 16)]).toEqual([0]);
});

test("a sparse weight keeps 0", () => {
  const sparse = normal.map((value, i) => (i % 10 === 0 ? 0 : value + 0.5));
  for (const entries of [1, 2, 3, 16]) expect([...codebookOf(histogram(sparse), entries)]).toContain(0);
});
