import { expect, test } from "vitest";
import { shareOfBudget } from "./budget.js";

test("steps of a schedule share the updates of one-shot", () => {
  expect(shareOfBudget({ steps: 60, lr: 0.1 }, 3, undefined)).toEqual({ steps: 20, lr: 0.1 });
  // Two epochs of 100 / (10 * 2) updates.
  expect(shareOfBudget({ epochs: 2, batch: 10, accumulate: 2 }, 5, 109)).toEqual({
    batch: 10,
    accumulate: 2,
    steps: 2,
  });
  // Three epochs of 32 are usual.
  expect(shareOfBudget({}, 3, 320)).toEqual({ steps: 10 });
  expect(shareOfBudget({ steps: 2 }, 8, 10)).toEqual({ steps: 1 });
  expect(shareOfBudget({ epochs: 2 }, 2, undefined)).toBeUndefined();
});
