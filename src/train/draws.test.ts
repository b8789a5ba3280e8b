import fc from "fast-check";
import { expect, test } from "vitest";
import { drawn, dropoutMask, permutation } from "./draws.js";

test("an epoch has every sample once, in an order that its number and the seed decide", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(1000), (size, seed, epoch) => {
      const order = permutation(size, seed, epoch);
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
      expect(permutation(size, seed, epoch)).toEqual(order);
    }),
  );
  const orders = [permutation(50, 1, 0), permutation(50, 1, 1), permutation(50, 2, 0)].map(String);
  expect(new Set(orders).size).toBe(3);
});

test("every place is as likely for every sample", () => {
  const counts = new Float64Array(25);
  for (let epoch = 0; epoch < 5000; epoch++)
    permutation(5, 7, epoch).forEach((sample, place) => {
      counts[5 * place + sample]! += 1;
    });
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

test("a mask keeps the share that it should, scaled so that the mean stays", () => {
  const mask = dropoutMask(100_000, 0.3, drawn(3, "mask", 5));
  expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  expect(mask.reduce((sum, value) => sum + value, 0) / mask.length).toBeCloseTo(1, 1.7);
  expect(dropoutMask(10, 0.5, drawn(3, "mask", 6))).not.toEqual(dropoutMask(10, 0.5, drawn(3, "order", 6)));
});
