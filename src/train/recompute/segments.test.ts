import fc from "fast-check";
import { expect, test } from "vitest";
import { cutSegments, type Place } from "./segments.js";

/** A chain: each node's value is read by the next node and by the backward pass. */
const chain = (bytes: readonly number[]): Place[] =>
  bytes.map((size, at) => ({ values: [{ bytes: size, last: Math.min(at + 1, bytes.length - 1), stored: true }] }));

test("a chain of equal nodes is cut into about the root of their number", () => {
  const { starts, kept, largest } = cutSegments(chain(new Array(100).fill(10)));
  expect(starts.length).toBeGreaterThanOrEqual(8);
  expect(starts.length).toBeLessThanOrEqual(14);
  expect(kept + largest).toBeLessThanOrEqual(200);
});

test("cuts stand where little crosses", () => {
  const { starts } = cutSegments(chain([50, 50, 1, 50, 50, 1, 50, 50]), 3);
  expect(starts).toEqual([0, 3, 6]);
});

test("one segment where keeping everything is least", () => {
  expect(cutSegments(chain([5])).starts).toEqual([0]);
});

test("more nodes than places to try", () => {
  const { starts, kept, largest } = cutSegments(chain(new Array(2000).fill(1)));
  expect(kept + largest).toBeLessThan(150);
  expect(starts[0]).toBe(0);
});

test("what is kept and the largest segment are what the cuts give", () => {
  const values = fc.record({
    bytes: fc.integer({ min: 1, max: 50 }),
    reach: fc.integer({ min: 0, max: 5 }),
    stored: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(fc.array(values, { maxLength: 2 }), { minLength: 1, maxLength: 25 }), (drawn) => {
      const places: Place[] = drawn.map((list, at) => ({
        values: list.map(({ bytes, reach, stored }) => ({
          bytes,
          stored,
          last: Math.min(at + reach, drawn.length - 1),
        })),
      }));
      const { starts, kept, largest } = cutSegments(places);
      const ends = [...starts.slice(1), places.length];
      let crossing = 0;
      let most = 0;
      starts.forEach((start, i) => {
        let inner = 0;
        for (let at = start; at < ends[i]!; at++) {
          for (const { bytes, last, stored } of places[at]!.values) {
            if (last >= ends[i]!) crossing += bytes;
            else if (stored) inner += bytes;
          }
        }
        most = Math.max(most, inner);
      });
      expect({ kept: crossing, largest: most }).toEqual({ kept, largest });
      const whole = places.flatMap((place) => place.values).reduce((sum, one) => sum + (one.stored ? one.bytes : 0), 0);
      expect(kept + largest).toBeLessThanOrEqual(whole);
    }),
  );
});
