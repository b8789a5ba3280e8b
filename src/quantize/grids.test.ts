import fc from "fast-check";
import { expect, test } from "vitest";
import { coderOf } from "../kernels/encode-grid.js";
import { FLOAT_FORMATS, floatLevels } from "../tensor/float-formats.js";
import { LEVEL_TABLES, levelCode } from "../tensor/level-tables.js";
import { gridOf, gridOfTable } from "./grids.js";

const anyFloat = fc.oneof(
  fc.float({ noNaN: true }),
  fc.float({ min: -8, max: 8, noNaN: true }),
  fc.integer({ min: -64, max: 64 }).map((n) => n / 16),
  fc.constantFrom(0, -0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
);

test("float formats: the code is that of the codec, of -0 and 0 the positive one", () => {
  for (const name of [
    "float8e4m3fn",
    "float8e4m3fnuz",
    "float8e5m2",
    "float6e3m2",
    "float6e2m3",
    "float4e2m1",
  ] as const) {
    const coder = coderOf(gridOf(floatLevels(name), "even-code"));
    const format = FLOAT_FORMATS[name];
    const number = (code: number) => format.decode(code) + 0;
    const middles = [...floatLevels(name)]
      .flatMap((level, code, all) => (all[code + 1]! + level) / 2)
      .filter(Number.isFinite);
    const check = (value: number) => {
      const found = coder.code(coder.place(Math.fround(value), 0));
      expect(Number.isFinite(format.decode(found))).toBe(true);
      const expected = format.decode(format.encode(Math.fround(value), { saturate: true }));
      // Infinity saturates in a grid.
      expect(number(found)).toBe(Math.max(-format.max, Math.min(format.max, expected)) + 0);
    };
    for (const middle of middles) check(middle);
    fc.assert(fc.property(anyFloat, check), { numRuns: 300 });
  }
});

test("tables: the number is that of the table's own comparison", () => {
  for (const table of Object.values(LEVEL_TABLES)) {
    const coder = coderOf(gridOfTable(table));
    const check = (value: number) => {
      const found = coder.code(coder.place(Math.fround(value), 0));
      expect(table.levels[found]! + 0).toBe(table.levels[levelCode(table, value)]! + 0);
    };
    for (const pivot of table.pivots) check(pivot);
    fc.assert(fc.property(anyFloat, check), { numRuns: 300 });
  }
});

test("ties fall as they are asked to", () => {
  const place = (tie: Parameters<typeof gridOf>[1], value: number) => {
    const grid = gridOf([3, 1, -1, -3], tie);
    return grid.levels[coderOf(grid).place(value, 0)];
  };
  expect(["lower", "upper", "inward", "even-code"].map((tie) => place(tie as "lower", 2))).toEqual([1, 3, 1, 3]);
  expect(["lower", "upper", "inward", "even-code"].map((tie) => place(tie as "lower", -2))).toEqual([-3, -1, -1, -1]);
});

test("NaN, infinities and numbers that stand twice have no code", () => {
  const { levels, codes } = gridOf([Number.NaN, 2, -0, 0, 2, Number.POSITIVE_INFINITY], "lower");
  expect([...levels]).toEqual([0, 2]);
  expect([...codes]).toEqual([2, 1]);
  expect(() => gridOf([Number.NaN], "lower")).toThrow("levels");
});
