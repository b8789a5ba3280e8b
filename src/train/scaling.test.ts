import fc from "fast-check";
import { expect, test } from "vitest";
import { nextScale, SCALING, type ScaleState, startScale } from "./scaling.js";

const options = { ...SCALING, initial: 1024, interval: 3, min: 256, max: 4096 };
const after = (steps: readonly boolean[], from: ScaleState = startScale(options), by = options) =>
  steps.reduce((state, finite) => nextScale(state, finite, by), from);

test("overflow halves the scale at once, and is counted", () => {
  expect(after([false])).toEqual({ scale: 512, good: 0, skipped: 1 });
  expect(after([true, true, false])).toEqual({ scale: 512, good: 0, skipped: 1 });
});

test("the scale doubles after so many good steps in a row", () => {
  expect(after([true, true])).toEqual({ scale: 1024, good: 2, skipped: 0 });
  expect(after([true, true, true])).toEqual({ scale: 2048, good: 0, skipped: 0 });
  expect(after([true, true, false, true, true]).scale).toBe(512);
});

test("it stays within its bounds; one that begins beyond them is not raised", () => {
  expect(after([false, false, false, false]).scale).toBe(256);
  expect(after(Array<boolean>(12).fill(true)).scale).toBe(4096);
  const large = startScale({ ...options, initial: 2 ** 30 });
  expect(after([true, true, true], large).scale).toBe(2 ** 30);
  expect(after([false], large).scale).toBe(2 ** 29);
});

test("a constant scale stays, and steps are still skipped", () => {
  const by = { ...options, constant: true };
  expect(after([false, true, true, true, true], undefined, by)).toEqual({ scale: 1024, good: 4, skipped: 1 });
});

test("whatever happens, the scale is a power of two within its bounds", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (steps) => {
      const { scale, skipped } = after(steps);
      expect(Math.log2(scale) % 1).toBe(0);
      expect(scale).toBeGreaterThanOrEqual(256);
      expect(scale).toBeLessThanOrEqual(4096);
      expect(skipped).toBe(steps.filter((finite) => !finite).length);
    }),
  );
});
