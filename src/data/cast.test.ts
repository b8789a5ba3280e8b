import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cast, makeValue, numbers } from "./cast.js";

describe("cast", () => {
  it("rounds halves to even and clamps to the range", () => {
    const from = makeValue("float32", [7], [0.5, 1.5, 2.5, -0.5, 300, -300, 126.7]);
    expect(Array.from(numbers(cast(from, "uint8")))).toEqual([0, 2, 2, 0, 255, 0, 127]);
    expect(Array.from(numbers(cast(from, "int8"))).map((x) => x + 0)).toEqual([0, 2, 2, 0, 127, -128, 127]);
  });

  it("keeps whole numbers through every integer type", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 127 })), (values) => {
        for (const dtype of ["int8", "uint8", "int16", "int32", "int64", "uint64", "float16", "float64"] as const) {
          const there = makeValue(dtype, [values.length], values);
          expect(Array.from(numbers(cast(there, "float32")))).toEqual(values);
        }
      }),
    );
  });

  it("refuses NaN as an integer, and 4-bit types", () => {
    expect(() => makeValue("int32", [1], [Number.NaN])).toThrow("not a number");
    expect(() => makeValue("int4", [1], [1])).toThrow("int4");
  });
});
