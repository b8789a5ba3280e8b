import fc from "fast-check";
import { expect, test } from "vitest";
import type { Value } from "../tensor/value.js";
import { outputFigures } from "./figures.js";

const value = (data: readonly number[], dims = [1, data.length]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});
const compare = (a: readonly number[], b: readonly number[], name = "logits") => {
  const tally = outputFigures(name, true);
  tally.add(value(a), value(b));
  return tally.figures();
};

test("equal outputs have no error", () => {
  expect(compare([1, 2, 3], [1, 2, 3])).toMatchObject({
    cosine: 1,
    sqnrDb: Number.POSITIVE_INFINITY,
    maxAbs: 0,
    equal: 1,
    agreement: 1,
  });
});

test("figures of a known error", () => {
  // signal 25, error 1: 10 log10 25 = 13.979 dB.
  const figures = compare([3, 4], [3, 5]);
  expect(figures.sqnrDb).toBeCloseTo(13.979, 3);
  expect(figures.cosine).toBeCloseTo(29 / (5 * Math.sqrt(34)), 12);
  expect(figures.maxAbs).toBe(1);
  expect(figures.equal).toBe(0.5);
  expect(compare([3, 4], [5, 4]).agreement).toBe(0);
});

test("one all-zero side is no similarity, two are equality", () => {
  expect(compare([0, 0], [0, 1])).toMatchObject({ cosine: 0, sqnrDb: Number.NEGATIVE_INFINITY });
  expect(compare([0, 0], [0, 0])).toMatchObject({ cosine: 1, sqnrDb: Number.POSITIVE_INFINITY });
});

test("a new NaN or infinity can never pass a gate; the same one in both is no error", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(compare([1, 2], [1, bad])).toMatchObject({
      cosine: 0,
      sqnrDb: Number.NEGATIVE_INFINITY,
      maxAbs: Number.POSITIVE_INFINITY,
      nonFinite: { mismatched: 1 },
    });
    expect(compare([1, bad], [1, bad])).toMatchObject({ cosine: 1, maxAbs: 0, nonFinite: { mismatched: 0 } });
  }
  expect(compare([1, Number.NEGATIVE_INFINITY], [1, Number.POSITIVE_INFINITY]).cosine).toBe(0);
});

test("integers and text are compared by equality", () => {
  const ints = outputFigures("ids");
  ints.add(
    { dtype: "int64", dims: [4], data: BigInt64Array.from([1n, 2n, 3n, 4n]) },
    { dtype: "int64", dims: [4], data: BigInt64Array.from([1n, 2n, 9n, 4n]) },
  );
  expect(ints.figures()).toMatchObject({ equal: 0.75, maxAbs: 6 });
  expect(ints.figures().agreement).toBeUndefined();
  const text = outputFigures("label");
  text.add({ dtype: "string", dims: [2], data: ["a", "b"] }, { dtype: "string", dims: [2], data: ["a", "c"] });
  expect(text.figures()).toMatchObject({ equal: 0.5, elements: 2 });
});

test("float16 outputs are compared as numbers with float32 ones", () => {
  const tally = outputFigures("y");
  tally.add(value([1, -2]), { dtype: "float16", dims: [1, 2], data: Uint16Array.from([0x3c00, 0xc000]) });
  expect(tally.figures()).toMatchObject({ cosine: 1, maxAbs: 0 });
});

test("only outputs that hold classes have an agreement", () => {
  const of = (classes: boolean, dims: number[]) => {
    const tally = outputFigures("y", classes);
    const data = Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i);
    tally.add(value(data, dims), value(data, dims));
    return tally.figures().agreement;
  };
  expect(of(true, [2, 10])).toBe(1);
  expect(of(true, [1, 4, 8])).toBe(1);
  // Embeddings, regressions and boxes have this form too.
  expect(of(false, [2, 10])).toBeUndefined();
  expect(of(false, [1, 4, 8])).toBeUndefined();
  expect(of(true, [1, 1])).toBeUndefined();
  expect(of(true, [1, 3, 4, 4])).toBeUndefined();
});

test("samples add up as one long output would", () => {
  const numbers = fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 2, maxLength: 20 });
  fc.assert(
    fc.property(numbers, numbers, fc.double({ min: -1, max: 1, noNaN: true }), (a, b, noise) => {
      const shifted = (list: number[]) => list.map((x, i) => x + noise * ((i % 3) - 1));
      const parts = outputFigures("y");
      parts.add(value(a), value(shifted(a)));
      parts.add(value(b), value(shifted(b)));
      const whole = compare([...a, ...b], [...shifted(a), ...shifted(b)], "y");
      expect(parts.figures().cosine).toBeCloseTo(whole.cosine, 9);
      expect(parts.figures().maxAbs).toBe(whole.maxAbs);
      if (Number.isFinite(whole.sqnrDb)) expect(parts.figures().sqnrDb).toBeCloseTo(whole.sqnrDb, 6);
    }),
  );
});
