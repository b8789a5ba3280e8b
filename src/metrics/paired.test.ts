import { describe, expect, it } from "vitest";
import { random } from "../tensor/random.js";
import { pairedDifference } from "./paired.js";

describe("paired difference", () => {
  it("covers the truth 95 times of 100 for outcomes of 0 and 1, near 1 too", () => {
    const draw = random(3);
    for (const [n, right, changed] of [
      [200, 0.6, 0.1],
      [50, 0.9, 0.05],
      [500, 0.98, 0.01],
    ] as const) {
      // The second model is wrong on `changed` of what the first gets right, and right on as large a share of the rest.
      const truth = (1 - right) * changed - right * changed;
      let covered = 0;
      const runs = 2000;
      for (let i = 0; i < runs; i++) {
        const first = Array.from({ length: n }, () => Number(draw.next() < right));
        const second = first.map((x) => (draw.next() < changed ? 1 - x : x));
        const { low, high } = pairedDifference(first, second);
        covered += Number(low <= truth && truth <= high);
      }
      expect(covered / runs).toBeGreaterThan(0.94);
    }
  });

  it("covers the truth 95 times of 100 for other numbers, few samples too", () => {
    const draw = random(4);
    for (const n of [4, 6, 30]) {
      let covered = 0;
      const runs = 4000;
      for (let i = 0; i < runs; i++) {
        const first = Array.from({ length: n }, () => draw.normal() * 3);
        const second = first.map((x) => x + 0.2 + 0.1 * draw.normal());
        const { low, high } = pairedDifference(first, second);
        covered += Number(low <= 0.2 && 0.2 <= high);
      }
      expect(Math.abs(covered / runs - 0.95)).toBeLessThan(0.015);
    }
  });

  it("is no interval of width 0 when nothing changed, and has the sign of second minus first", () => {
    const same = pairedDifference([1, 1, 1, 0, 1], [1, 1, 1, 0, 1]);
    expect(same).toMatchObject({ difference: 0, method: "newcombe", samples: 5 });
    expect(same.low).toBeLessThan(0);
    expect(pairedDifference([0, 0, 0, 1], [1, 1, 0, 1]).difference).toBe(0.5);
    expect(pairedDifference([0.5, 1.5, 2], [1.5, 2.5, 3]).low).toBeCloseTo(1, 12);
  });

  it("refuses different samples", () => {
    expect(() => pairedDifference([1, 0], [1])).toThrow("same samples");
  });
});
