// Bins of equal width: the compiled kernel against its reference, and the reference against its definition.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agree, matrix, value } from "../../tests/support/kernels.js";
import { CHUNK_BYTES } from "./simd/machine.js";
import { exponentFor, SIDE, uniformBins } from "./uniform-bins.js";

const exponent = fc.option(fc.integer({ min: -126, max: 114 }), { nil: undefined });
const job = (exponent: number | undefined) => (exponent === undefined ? {} : { exponent });

describe("uniform-bins", () => {
  test("compiled equals reference, on any numbers", () => {
    fc.assert(
      fc.property(matrix, exponent, ({ bytes, ...shape }, e) => agree("uniform-bins", bytes, { ...shape, ...job(e) })),
      { numRuns: 200 },
    );
  });

  test("compiled equals reference where later pieces are of another size", () => {
    const columns = CHUNK_BYTES / 2 + 3;
    const values = Float32Array.from({ length: columns }, (_, i) => Math.sin(i) * 2 ** Math.floor((i * 12) / columns));
    agree("uniform-bins", new Uint8Array(values.buffer), { from: "float32", rows: 1, columns });
    agree("uniform-bins", new Uint8Array(values.reverse().buffer), { from: "float32", rows: 1, columns });
  });

  test("each value stands in the bin that holds it, and all fit", () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 40 }), (all) => {
        const values = Float32Array.from(all);
        const shape = { from: "float32", rows: 1, columns: values.length } as const;
        const result = uniformBins(new Uint8Array(values.buffer), shape);
        const numbers = [...values].filter(Number.isFinite);
        const width = 2 ** result.exponent;
        const expected = new Map<number, number>();
        for (const number of numbers.filter((one) => one !== 0)) {
          const bin = Math.floor(Math.fround(number / width));
          expected.set(bin, (expected.get(bin) ?? 0) + 1);
          expect(bin >= -SIDE && bin < SIDE).toBe(true);
        }
        const found = [...result.counts].flatMap((count, i) => (count > 0 ? [[result.first + i, count] as const] : []));
        expect(new Map(found)).toEqual(new Map([...expected].sort(([a], [b]) => a - b)));
        expect(result.zeros).toBe(numbers.filter((one) => one === 0).length);
        expect(result.nonFinite).toBe(values.length - numbers.length);
      }),
      { numRuns: 300 },
    );
  });

  test("the width is the narrowest that holds a magnitude", () => {
    for (const magnitude of [1, 0.999, 3e38, 6.5, 2 ** -100]) {
      const width = 2 ** exponentFor(magnitude);
      expect(Math.floor(magnitude / width)).toBeLessThan(SIDE);
      expect(Math.floor(magnitude / (width / 2))).toBeGreaterThanOrEqual(SIDE);
    }
    expect(exponentFor(0)).toBe(-126);
  });
});
