// Scale and zero point of an activation: every number of the range has a code within half a step, 0 has one of its own, and
// nothing outside the bounds of a Relu or Clip has one.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { roundHalfEven } from "../../kernels/numbers.js";
import { activationGrid, CODES } from "./activation-grid.js";
import { UNBOUNDED } from "./activation-tail.js";

const types = fc.constantFrom(...(Object.keys(CODES) as (keyof typeof CODES)[]));
const magnitude = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

/** As QuantizeLinear and DequantizeLinear compute. */
function rounded(value: number, { dtype, scale, zeroPoint }: ReturnType<typeof activationGrid>): number {
  const [low, high] = CODES[dtype];
  const code = Math.max(low, Math.min(high, roundHalfEven(Math.fround(Math.fround(value) / scale)) + zeroPoint));
  return Math.fround((code - zeroPoint) * scale);
}

describe("activationGrid", () => {
  it("covers the range, with 0 exact", () => {
    fc.assert(
      fc.property(types, magnitude, magnitude, fc.double({ min: 0, max: 1, noNaN: true }), (dtype, down, up, part) => {
        const grid = activationGrid(dtype, { low: -down, high: up }, UNBOUNDED);
        expect(rounded(0, grid)).toBe(0);
        const value = Math.fround(-down + part * (down + up));
        // Half a step, and half another at the ends, since the code of 0 is rounded.
        expect(Math.abs(rounded(value, grid) - value)).toBeLessThanOrEqual(1.02 * grid.scale);
        expect(grid.scale).toBe(Math.fround(grid.scale));
      }),
    );
  });

  it("has no code outside the bounds of a Relu or Clip, so that the runtime may take it away", () => {
    const bound = fc.constantFrom(0, 0.3, 1, 6, 7.7);
    fc.assert(
      fc.property(types, bound, bound, magnitude, magnitude, (dtype, below, above, down, up) => {
        fc.pre(below + above > 0);
        const bounds = { low: -below, high: above };
        const { scale, zeroPoint } = activationGrid(dtype, { low: -down, high: up }, bounds);
        const [first, last] = CODES[dtype];
        expect(Math.fround((first - zeroPoint) * scale)).toBeGreaterThanOrEqual(bounds.low);
        expect(Math.fround((last - zeroPoint) * scale)).toBeLessThanOrEqual(bounds.high);
        expect(scale).toBeGreaterThan(0);
      }),
    );
  });

  it("widens a range that does not hold 0", () => {
    expect(activationGrid("uint8", { low: 2, high: 5.1 }, UNBOUNDED)).toEqual({
      dtype: "uint8",
      scale: Math.fround(5.1 / 255),
      zeroPoint: 0,
    });
    expect(activationGrid("uint8", { low: -5.1, high: -2 }, UNBOUNDED).zeroPoint).toBe(255);
    expect(activationGrid("int8", { low: -5.1, high: -2 }, UNBOUNDED).zeroPoint).toBe(127);
  });

  it("makes do with nothing, next to nothing and next to infinity", () => {
    for (const dtype of Object.keys(CODES) as (keyof typeof CODES)[]) {
      const none = activationGrid(dtype, { low: 0, high: 0 }, { low: 0, high: Number.POSITIVE_INFINITY });
      expect(none).toEqual({ dtype, scale: 1, zeroPoint: CODES[dtype][0] });
      expect(activationGrid(dtype, { low: 0, high: 1e-42 }, UNBOUNDED).scale).toBe(1);
      const most = activationGrid(dtype, { low: -3.4e38, high: 3.4e38 }, UNBOUNDED);
      expect(Number.isFinite(most.scale)).toBe(true);
      expect(Number.isInteger(most.zeroPoint)).toBe(true);
    }
  });

  it("rounds ties to even", () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5].map(roundHalfEven).map((value) => value + 0)).toEqual([0, 2, 2, 0, -2]);
  });
});
