import fc from "fast-check";
import { expect, it } from "vitest";
import { LEVEL_TABLES, levelCode, levelTable, nearestLevel } from "./level-tables.js";

const codes = (table: (typeof LEVEL_TABLES)[keyof typeof LEVEL_TABLES], values: number[]) =>
  values.map((value) => levelCode(table, value));

it("ternary and binary: halves go to zero, zero to one", () => {
  expect(codes(LEVEL_TABLES.ternary, [-9, -0.50001, -0.5, -0, 0, 0.5, 0.50001, Infinity])).toEqual([
    0, 0, 1, 1, 1, 1, 2, 2,
  ]);
  expect(codes(LEVEL_TABLES.binary, [-Infinity, -1e-45, -0, 0, 0.1])).toEqual([0, 0, 1, 1, 1]);
});

it("fp4 has a code for -0, and gives it to what is below zero and small", () => {
  expect(LEVEL_TABLES.fp4.levels[8]).toBe(-0);
  expect(codes(LEVEL_TABLES.fp4, [0, -0, 1e-3, -1e-3, -1e-45, 1, -1])).toEqual([0, 0, 0, 8, 8, 3, 11]);
});

it("every level has its own code", () => {
  for (const table of Object.values(LEVEL_TABLES)) {
    table.levels.forEach((level, code) => {
      expect(levelCode(table, level)).toBe(Object.is(level, -0) ? 0 : code);
    });
    expect([...table.order].sort((a, b) => a - b)).toEqual(Array.from(table.levels, (_, code) => code));
  }
});

it("codebooks in any order: the nearest level", () => {
  const number = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e3, max: 1e3 });
  fc.assert(
    fc.property(fc.array(number, { minLength: 1, maxLength: 40 }), fc.array(number), (levels, values) => {
      const table = levelTable("codebook", levels);
      // The middles of neighbours are the hard cases.
      const sorted = [...levels].sort((a, b) => a - b);
      const middles = sorted.slice(1).map((level, i) => Math.fround((level + sorted[i]!) / 2));
      for (const value of [...values, ...levels, ...middles]) {
        const nearest = Math.min(...levels.map((level) => Math.abs(level - value)));
        // Differences of numbers of very unlike size are not exact in float64.
        expect(Math.abs(table.levels[levelCode(table, value)]! - value)).toBeLessThanOrEqual(nearest * (1 + 1e-15));
        expect(Math.abs(levels[nearestLevel(levels, value)]! - value)).toBe(nearest);
      }
    }),
    { numRuns: 60 },
  );
});

it("of two equally near levels the lower, of two equal ones the first", () => {
  const levels = [3, 1, -1, 1];
  const table = levelTable("codebook", levels);
  for (const code of [(value: number) => levelCode(table, value), (value: number) => nearestLevel(levels, value)]) {
    expect([2, 0, 1, 9, -9, 2.01, 0.01].map(code)).toEqual([1, 2, 1, 0, 2, 0, 1]);
  }
  const twice = levelTable("codebook", [2, 0, 2, 0, 2, -0, -0]);
  expect([-1, -0, 0, 0.5, 1.5, 5].map((value) => levelCode(twice, value))).toEqual([5, 1, 1, 1, 0, 0]);
  // The middle of two neighbouring float32 is neither; both stay themselves.
  const close = levelTable("codebook", [1, 1 + 2 ** -23]);
  expect([levelCode(close, 1), levelCode(close, 1 + 2 ** -23)]).toEqual([0, 1]);
});

it("refuses NaN and tables that are none", () => {
  expect(() => levelCode(LEVEL_TABLES.nf4, Number.NaN)).toThrow(expect.objectContaining({ code: "number-nan" }));
  for (const levels of [[], [1, Number.NaN], [Infinity], new Float32Array(257)]) {
    expect(() => levelTable("codebook", levels)).toThrow(expect.objectContaining({ code: "levels-wrong" }));
  }
});
