// The searches for scales: each lowers what it minimises, and none does worse than the plain ones by its own measure.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EncodeLayout } from "../../src/kernels/slabs.js";
import { gridFor } from "../../src/quantize/codes.js";
import { foundByHalfQuadratic, heavyTailedError } from "../../src/quantize/fitted/hqq.js";
import { foundByImportance } from "../../src/quantize/fitted/importance.js";
import { coderOf } from "../../src/quantize/fitted/problem.js";
import { foundByKernel, scaleSearch, weightedError } from "../../src/quantize/fitted/scale.js";
import { formats } from "../../src/quantize/formats/index.js";
import { random } from "../../src/tensor/random.js";

type Range = EncodeLayout["range"];

const searchFor = (name: string, symmetric: boolean, range: Range = { kind: "absmax" }, scaleFormat = "float32") => {
  const format = formats.get(name);
  const grid = gridFor({ format, symmetric });
  const kind = format.kind !== "integer" ? format.scaling : symmetric ? "signed" : "affine";
  return scaleSearch(coderOf(grid), {
    grid,
    scaling: { kind } as EncodeLayout["scaling"],
    scaleFormat: scaleFormat as "float32",
    tensorScale: 1,
    range,
  });
};

/** A block of weights, some of them far out, with importances. */
const blocks = fc.record({
  seed: fc.nat(),
  length: fc.integer({ min: 1, max: 64 }),
  size: fc.constantFrom(1e-6, 0.02, 1, 300),
  shift: fc.constantFrom(0, 0.5, -3),
});

function blockOf({ seed, length, size, shift }: typeof blocks extends fc.Arbitrary<infer T> ? T : never) {
  const source = random(seed);
  const values = Float32Array.from({ length }, () => size * (source.normal() ** 3 + shift));
  const importance = Float64Array.from({ length }, () => source.normal() ** 2);
  return { values, importance };
}

const kinds = [
  ["int2", true],
  ["uint3", false],
  ["int4", true],
  ["uint4", false],
  ["int8", true],
  ["nf4", true],
  ["float4e2m1", true],
  ["ternary", true],
] as const;

describe.each(kinds)("%s, symmetric %s", (name, symmetric) => {
  it("importance: no worse than the whole range and than evenly spaced shares of it, alike or weighed", () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const { values, importance } = blockOf(block);
        for (const weights of [undefined, new Float64Array(values.length).fill(1), importance]) {
          const search = searchFor(name, symmetric);
          const found = weightedError(search, values, weights, foundByImportance(search)(values, weights));
          const others: Range[] = [{ kind: "absmax" }, { kind: "mse", steps: 8 }];
          for (const range of others) {
            const other = foundByKernel(searchFor(name, symmetric, range))(values, undefined);
            const error = weightedError(search, values, weights, other);
            expect(found).toBeLessThanOrEqual(error * (1 + 1e-5) + Number.MIN_VALUE);
          }
        }
      }),
      { numRuns: 25 },
    );
  });

  it("importance of 1 for all finds what no importance finds", () => {
    fc.assert(
      fc.property(blocks, (block) => {
        const { values } = blockOf(block);
        const find = foundByImportance(searchFor(name, symmetric));
        expect(find(values, new Float64Array(values.length).fill(1))).toEqual(find(values, undefined));
      }),
      { numRuns: 15 },
    );
  });

  it("hqq: lowers the sum of |error|^0.7, and is itself no worse than absmax and mse by it", () => {
    let lower = 0;
    fc.assert(
      fc.property(blocks, (block) => {
        const { values } = blockOf(block);
        const search = searchFor(name, symmetric);
        const found = heavyTailedError(search, values, foundByHalfQuadratic(search)(values, undefined));
        const ranges: Range[] = [{ kind: "absmax" }, { kind: "mse", steps: 8 }];
        const others = ranges.map((range) =>
          heavyTailedError(search, values, foundByKernel(searchFor(name, symmetric, range))(values, undefined)),
        );
        for (const other of others) expect(found).toBeLessThanOrEqual(other);
        if (found < Math.min(...others)) lower++;
      }),
      { numRuns: 25, seed: 11 },
    );
    expect(lower).toBeGreaterThan(0);
  });

  it("scales are those that can be stored", () => {
    const { values, importance } = blockOf({ seed: 5, length: 32, size: 0.02, shift: 0 });
    const search = searchFor(name, symmetric, { kind: "absmax" }, "float16");
    for (const find of [foundByImportance(search), foundByHalfQuadratic(search)]) {
      const { scale } = find(values, importance);
      expect(search.stored(scale)).toBe(scale);
    }
  });
});

it("importance moves the error to where it does not matter", () => {
  const values = Float32Array.of(1, -0.31, 0.29, 0.11, -0.13, 0.07, 0.23, -0.19);
  const search = searchFor("int3", true);
  const errorOf = (weights: Float64Array, counted: Float64Array) =>
    weightedError(search, values, counted, foundByImportance(search)(values, weights));
  const small = Float64Array.from(values, (value) => (value === 1 ? 1e-3 : 1));
  const all = new Float64Array(values.length).fill(1);
  expect(errorOf(small, small)).toBeLessThan(0.5 * errorOf(all, small));
});

it("blocks of nothing but zeros have a scale of 0", () => {
  for (const [name, symmetric] of kinds) {
    const search = searchFor(name, symmetric);
    for (const find of [foundByImportance(search), foundByHalfQuadratic(search)]) {
      expect(find(new Float32Array(8), undefined).scale).toBe(0);
    }
  }
});
