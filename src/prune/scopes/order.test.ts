import fc from "fast-check";
import { expect, test } from "vitest";
import { KeySearch, leastOf, orderedKeys } from "./order.js";

/** Numbers of every kind, many of them equal. */
const score = fc.oneof(
  fc.constantFrom(0, -0, 1, -1, 2 ** -149, 2 ** -126, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4e38),
  fc.float({ noNaN: true }),
  fc.integer({ min: -3, max: 3 }),
);
const list = (least = 0) => fc.array(score, { minLength: least, maxLength: 200 }).map((all) => Float32Array.from(all));

test("keys are ordered as the scores are, -0 as 0", () => {
  fc.assert(
    fc.property(list(2), (scores) => {
      const keys = orderedKeys(scores);
      for (let i = 1; i < scores.length; i++) {
        expect(Math.sign(keys[i]! - keys[i - 1]!)).toBe(
          scores[i]! === scores[i - 1]! ? 0 : scores[i]! > scores[i - 1]! ? 1 : -1,
        );
      }
    }),
  );
});

test("the threshold is that of sorting, ties by index", () => {
  fc.assert(
    fc.property(list(), fc.double({ min: 0, max: 1, noNaN: true }), (scores, share) => {
      const count = Math.round(share * scores.length);
      const keys = orderedKeys(scores);
      const { key, ties } = leastOf(keys, count);
      let left = ties;
      const gone = [...keys].flatMap((one, at) => (one < key || (one === key && left-- > 0) ? [at] : []));
      const sorted = [...scores.keys()].sort((a, b) => (scores[a]! === scores[b]! ? a - b : scores[a]! - scores[b]!));
      if (count > 0) expect(gone).toEqual(sorted.slice(0, count).sort((a, b) => a - b));
    }),
  );
});

test("keys that share their upper half are told apart by the lower one", () => {
  const bits = Uint32Array.from([5, 3, 4, 3, 9], (low) => 0x3f800000 + low);
  const { key, ties } = leastOf(orderedKeys(new Float32Array(bits.buffer)), 2);
  expect([key, ties]).toEqual([0xbf800003, 2]);
});

test("weights are summed up to the goal, and what is below the key is told", () => {
  const keys = orderedKeys(Float32Array.of(3, 1, 2));
  const search = new KeySearch(5);
  search.addHigh(keys.subarray(0, 1), 10);
  search.addHigh(keys.subarray(1), 4);
  search.settleHigh();
  search.addLow(keys.subarray(0, 1), 10);
  search.addLow(keys.subarray(1), 4);
  expect(search.settle()).toEqual({ key: keys[2], before: 4 });
});
