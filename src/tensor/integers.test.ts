import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { INTEGER_FORMATS, type IntegerFormatName, roundHalfEven } from "./integers.js";
import { random } from "./random.js";

describe.each(Object.keys(INTEGER_FORMATS) as IntegerFormatName[])("%s", (name) => {
  const { bits, low, high, signed, encode, decode } = INTEGER_FORMATS[name];

  it("has its range, and every code comes back", () => {
    expect(name).toBe(`${signed ? "" : "u"}int${bits}`);
    expect([low, high]).toEqual(signed ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1]);
    const wrong: number[] = [];
    for (let number = low; number <= high; number++) {
      const code = encode(number);
      // Two's complement: codes of numbers below zero come after all others.
      if (code !== (number < 0 ? number + 2 ** bits : number) || decode(code) !== number) wrong.push(number);
    }
    expect(wrong).toEqual([]);
  });

  it("saturates and refuses NaN", () => {
    for (const draw of [undefined, () => 0]) {
      const options = draw ? { draw } : undefined;
      expect([Infinity, 1e300, high + 0.75].map((value) => decode(encode(value, options)))).toEqual([high, high, high]);
      expect([-Infinity, -1e300, low - 0.75].map((value) => decode(encode(value, options)))).toEqual([low, low, low]);
    }
    expect(() => encode(Number.NaN)).toThrow(expect.objectContaining({ code: "number-nan", kind: "invalid" }));
  });

  it("rounds stochastically to a neighbour, without bias", () => {
    const { next } = random(2);
    const count = 4000;
    for (const place of [0.2, 0.5, 0.97]) {
      const ups = Array.from({ length: count }, () => decode(encode(low + 1 + place, { draw: next })) - low - 1);
      expect(ups.every((up) => up === 0 || up === 1)).toBe(true);
      const mean = ups.reduce((sum, up) => sum + up, 0) / count;
      expect(Math.abs(mean - place)).toBeLessThan(5 * Math.sqrt((place * (1 - place)) / count));
    }
    expect(encode(low + 1, { draw: () => 0 })).toBe(encode(low + 1));
  });
});

it("halves go to the even integer, everything else to the nearest", () => {
  expect([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5].map((value) => roundHalfEven(value) + 0)).toEqual([-2, -2, 0, 0, 2, 2]);
  // Adding a half first, as is often done, makes 1 of this.
  expect(roundHalfEven(0.49999999999999994)).toBe(0);
  fc.assert(
    fc.property(fc.double({ min: -1e9, max: 1e9, noNaN: true }), (value) => {
      const found = roundHalfEven(value);
      expect(Number.isInteger(found) && Math.abs(found - value) <= 0.5).toBe(true);
    }),
  );
});
