import { describe, expect, test } from "vitest";
import { judgeQuality } from "./gate.js";
import type { ModelReport } from "./metrics/report.js";

const real = { synthetic: false };
const synthetic = { synthetic: true };
const row = (fidelity: Partial<NonNullable<ModelReport["fidelity"]>> = {}, accuracy?: ModelReport["accuracy"]) =>
  ({
    fidelity: { cosine: 1, sqnrDb: 40, maxAbs: 0.1, agreement: null, samples: 100, ...fidelity },
    accuracy: accuracy ?? null,
  }) as ModelReport;
const top1 = (value: number) => ({ metric: "top-1", value, samples: 1000, better: "higher" as const });
const perplexity = (value: number) => ({ metric: "perplexity", value, samples: 100, better: "lower" as const });

describe("judgeQuality", () => {
  test.each([
    { name: "enough agreement", row: row({ agreement: 0.98 }), data: real, passed: true },
    { name: "too little agreement", row: row({ agreement: 0.979 }), data: real, passed: false },
    {
      name: "agreement counts nothing on noise",
      row: row({ agreement: 1, cosine: 0.9 }),
      data: synthetic,
      passed: false,
    },
    { name: "cosine alone is not enough", row: row({ sqnrDb: 19.9 }), data: synthetic, passed: false },
    { name: "SQNR alone is not enough", row: row({ cosine: 0.9989 }), data: synthetic, passed: false },
    { name: "bit for bit equal", row: row({ sqnrDb: null }), data: synthetic, passed: true },
    { name: "real data without classes or labels", row: row(), data: real, passed: true },
    {
      name: "agreement on too few samples, numbers good",
      row: row({ agreement: 0.9, samples: 10 }),
      data: real,
      passed: true,
    },
    {
      name: "agreement on too few samples, numbers bad",
      row: row({ agreement: 1, samples: 10, sqnrDb: 5 }),
      data: real,
      passed: false,
    },
    { name: "not finite", row: row({ maxAbs: null, agreement: 1 }), data: real, passed: false },
    { name: "not run", row: row({ verified: "no", agreement: 1 }), data: real, passed: false },
  ])("$name", (c) => {
    expect(judgeQuality(c.row, row(), c.data).passed).toBe(c.passed);
  });

  test("one bad output of several fails and is named", () => {
    const outputs = [
      { name: "good", cosine: 1, sqnrDb: 50, maxAbs: 0, agreement: null },
      { name: "bad", cosine: 0.99, sqnrDb: 50, maxAbs: 0, agreement: null },
    ];
    const verdict = judgeQuality(row({ outputs }), row(), synthetic);
    expect(verdict).toEqual({ passed: false, reason: expect.stringContaining("bad") });
  });

  test("a metric may drop by 0.01, a perplexity rise by 1%", () => {
    expect(judgeQuality(row({ agreement: 0.9 }, top1(0.9)), row({}, top1(0.91)), real).passed).toBe(true);
    expect(judgeQuality(row({ agreement: 0.9 }, top1(0.89)), row({}, top1(0.91)), real).passed).toBe(false);
    // Both: a score that stays is not enough where the classes change, nor classes where the score falls.
    expect(judgeQuality(row({ agreement: 0.9 }, top1(0.91)), row({}, top1(0.91)), real, undefined, true).passed).toBe(
      false,
    );
    expect(judgeQuality(row({ agreement: 0.99 }, top1(0.89)), row({}, top1(0.91)), real, undefined, true).passed).toBe(
      false,
    );
    expect(judgeQuality(row({ agreement: 0.99 }, top1(0.91)), row({}, top1(0.91)), real, undefined, true).passed).toBe(
      true,
    );
    expect(judgeQuality(row({ agreement: 0.9 }, perplexity(3.63)), row({}, perplexity(3.6)), real).passed).toBe(true);
    expect(judgeQuality(row({ agreement: 0.9 }, perplexity(3.7)), row({}, perplexity(3.6)), real).passed).toBe(false);
  });
});
