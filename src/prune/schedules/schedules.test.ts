import fc from "fast-check";
import { expect, test } from "vitest";
import { pruningSchedules } from "./index.js";

const goals = fc.double({ min: 0, max: 1, noNaN: true });

test.each(pruningSchedules.names)("%s never falls, stays within the goal, and ends at it exactly", (name) => {
  const { shareAt } = pruningSchedules.get(name);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), goals, (steps, goal) => {
      const shares = Array.from({ length: steps }, (_, i) => shareAt(i + 1, steps, goal));
      for (const [i, share] of shares.entries()) {
        expect(share).toBeGreaterThanOrEqual(shares[i - 1] ?? 0);
        expect(share).toBeLessThanOrEqual(goal);
      }
      expect(shares.at(-1)).toBe(goal);
      expect(shareAt(steps + 1, steps, goal)).toBe(goal);
    }),
  );
});

test("the shares of four steps to 80 %", () => {
  const shares = (name: string) => [1, 2, 3, 4].map((step) => pruningSchedules.get(name).shareAt(step, 4, 0.8));
  expect(shares("one-shot")).toEqual([0.8, 0.8, 0.8, 0.8]);
  for (const [name, expected] of Object.entries({
    linear: [0.2, 0.4, 0.6, 0.8],
    // What stays: 0.2 to the quarters.
    exponential: [0.3312597, 0.5527864, 0.7009302, 0.8],
    // 0.8 - 0.8 (3/4)^3, (1/2)^3, (1/4)^3.
    cubic: [0.4625, 0.7, 0.7875, 0.8],
  })) {
    for (const [i, share] of shares(name).entries()) expect(share, `${name} ${i}`).toBeCloseTo(expected[i]!, 6);
  }
});

test("exponential takes the same share of what is left at every step", () => {
  const { shareAt } = pruningSchedules.get("exponential");
  const left = [0, 1, 2, 3, 4, 5].map((step) => 1 - shareAt(step, 5, 0.9));
  for (const i of [1, 2, 3, 4, 5]) expect(left[i]! / left[i - 1]!).toBeCloseTo(0.1 ** 0.2, 9);
});
