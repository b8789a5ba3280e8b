import { describe, expect, it } from "vitest";
import { random } from "../tensor/random.js";
import { pairedDifference, pairedPerplexity } from "./paired.js";

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

  it("of perplexities covers the truth 95 times of 100 when the tokens of a document are alike", () => {
    const draw = random(5);
    const documents = (n: number) => {
      const items = Array.from({ length: n }, () => 20 + Math.floor(draw.next() * 80));
      const level = items.map(() => draw.normal() * 0.3);
      const loss = items.map((count, i) => 2 + level[i]! + draw.normal() / Math.sqrt(count));
      // The second model loses by document, not by token.
      return { items, loss, worse: loss.map((x) => x + 0.1 + 0.05 * draw.normal()) };
    };
    const exact = Math.exp(2.1) - Math.exp(2);
    let [covered, byToken] = [0, 0];
    const runs = 600;
    for (let i = 0; i < runs; i++) {
      const { items, loss, worse } = documents(30);
      const { low, high, samples } = pairedPerplexity({ items, loss }, { items, loss: worse });
      expect(samples).toBe(30);
      covered += Number(low <= exact && exact <= high);
      const tokens = (of: readonly number[]) => of.flatMap((x, at) => Array<number>(items[at]!).fill(x));
      const naive = pairedDifference(tokens(loss), tokens(worse));
      byToken += Number(naive.low <= 0.1 && 0.1 <= naive.high);
    }
    expect(Math.abs(covered / runs - 0.95)).toBeLessThan(0.02);
    expect(byToken / runs).toBeLessThan(0.5);
  });

  it("of perplexities is the difference of the two, weighted by tokens", () => {
    const items = [10, 30];
    const found = pairedPerplexity({ items, loss: [1, 2] }, { items, loss: [1.5, 2] });
    expect(found.difference).toBeCloseTo(Math.exp(1.875) - Math.exp(1.75), 12);
    expect(() => pairedPerplexity({ items, loss: [1, 2] }, { items: [10, 31], loss: [1, 2] })).toThrow(
      "same documents",
    );
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
