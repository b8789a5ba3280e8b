// The plain "encode" kernel against a computation of its own in float64 that shares no code with it, and against the kernel
// that makes the bytes of ONNX Runtime's quantizer.

import fc from "fast-check";
import { expect, test } from "vitest";
import { reference } from "../../src/kernels/dispatch.js";
import type { EncodeOptions, Grid, RangeSearch } from "../../src/kernels/jobs.js";
import { gridOf } from "../../src/quantize/grids.js";
import { floatLevels } from "../../src/tensor/float-formats.js";
import { packingFor, unpackCodes } from "../../src/tensor/packing.js";
import { random } from "../../src/tensor/random.js";

const plain = {
  from: "float32",
  along: "columns",
  range: { kind: "absmax" } as RangeSearch,
  scaleFormat: "float32",
  tensorScale: 1,
  rounding: { kind: "nearest" },
  order: "own",
} as const;
const integers = (low: number, high: number): Grid => ({ kind: "integer", low, high });
const bytesOf = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

function encoded(values: Float32Array, options: Partial<EncodeOptions> & Pick<EncodeOptions, "grids" | "scaling">) {
  const [grid] = options.grids;
  const levels = grid!.kind === "integer" ? grid!.high - grid!.low + 1 : Math.max(...grid!.codes) + 1;
  const packing = packingFor(Math.max(2, levels));
  const form = { ...plain, rows: 1, columns: values.length, block: Math.max(2, values.length), packing, ...options };
  const result = reference.encode(bytesOf(values), form);
  return { ...result, codes: [...unpackCodes(packing, result.bytes, values.length)] };
}

// Numbers below 1e-30 are left to the tests of the kernels: their scales are subnormal, and rounded.
const float = fc.oneof(
  { weight: 6, arbitrary: fc.float({ min: -4, max: 4, noNaN: true }).map((x) => (Math.abs(x) < 1e-30 ? 0 : x)) },
  { weight: 1, arbitrary: fc.integer({ min: -9, max: 9 }) },
);
const weights = fc.array(float, { minLength: 1, maxLength: 40 }).map((all) => Float32Array.from(all));

test("every code is that of the nearest number, and the error is what the codes say", () => {
  const grids: readonly [Grid, readonly number[]][] = [
    ...[8, 6, 5, 4, 3, 2].map((bits): [Grid, readonly number[]] => {
      const low = -(2 ** (bits - 1));
      return [integers(low, -low - 1), Array.from({ length: 2 ** bits }, (_, code) => low + code)];
    }),
    ...(["float8e4m3fn", "float6e2m3", "float4e2m1"] as const).map((name): [Grid, readonly number[]] => [
      gridOf(floatLevels(name), "even-code"),
      [...floatLevels(name)],
    ]),
  ];
  fc.assert(
    fc.property(weights, fc.constantFrom(...grids), (values, [grid, numbers]) => {
      const kind = grid.kind === "integer" ? "signed" : "absolute";
      const { codes, scales, squaredError } = encoded(values, { grids: [grid], scaling: { kind } });
      const [scale] = scales as unknown as [number];
      // The element of largest magnitude is on the grid, but for float32.
      const largest = Math.max(...values.map(Math.abs));
      const outermost = kind === "signed" ? -numbers[0]! : Math.max(...numbers.filter(Number.isFinite));
      expect(Math.abs(Math.abs(scale) * outermost - largest)).toBeLessThanOrEqual(largest * 2 ** -23);
      let error = 0;
      for (const [i, code] of codes.entries()) {
        const found = Math.abs(numbers[code]! * scale - values[i]!);
        const least = Math.min(
          ...numbers.filter(Number.isFinite).map((number) => Math.abs(number * scale - values[i]!)),
        );
        expect(found).toBeLessThanOrEqual(least + largest * 1e-6);
        error += found ** 2;
      }
      expect(squaredError).toBeCloseTo(error, 4);
    }),
    { numRuns: 400 },
  );
});

test("affine: 0 has a code of its own, and both ends of the range are within half a step and a rounded zero point", () => {
  fc.assert(
    fc.property(weights, fc.constantFrom(2, 3, 4, 8), (values, bits) => {
      const { codes, scales, zeroPoints } = encoded(values, {
        grids: [integers(0, 2 ** bits - 1)],
        scaling: { kind: "affine" },
      });
      for (const [i, code] of codes.entries()) {
        const found = (code - zeroPoints![0]!) * scales[0]!;
        expect(Math.abs(found - values[i]!)).toBeLessThanOrEqual(scales[0]! * 1.001);
        if (values[i] === 0) expect(found).toBe(0);
      }
    }),
    { numRuns: 200 },
  );
});

test("scales as they are stored clip nothing, and codes are made for them", () => {
  fc.assert(
    fc.property(
      weights,
      fc.constantFrom(1, 1e-6, 1e4),
      fc.constantFrom("float16" as const, "shared16" as const),
      (w, by, format) => {
        const values = w.map((value) => value * by);
        const options = { grids: [integers(-127, 127)], scaling: { kind: "absolute" } as const };
        const exact = encoded(values, options).scales[0]!;
        const { scales, codes } = encoded(values, { ...options, scaleFormat: format });
        expect(scales[0]).toBeGreaterThanOrEqual(Math.min(exact, 65504));
        // One step of the type at most: ten bits of the mantissa, multiples of 2^-24 at the low end of float16.
        expect(scales[0]! - exact).toBeLessThanOrEqual(Math.max(exact * 2 ** -10, format === "float16" ? 2 ** -24 : 0));
        for (const [i, code] of codes.entries()) {
          expect(Math.abs((code - 127) * scales[0]! - values[i]!)).toBeLessThanOrEqual(scales[0]! * 0.50001);
        }
      },
    ),
    { numRuns: 200 },
  );
});

// OCP Microscaling Formats v1.0, section 6.3: the largest power of two that is not above the largest magnitude, over that of the
// largest number of the element.
test.each([
  ["float4e2m1", 4],
  ["float6e3m2", 16],
  ["float8e4m3fn", 256],
] as const)("MX scales of %s", (name, power) => {
  for (const largest of [1, 1.99, 2, 6, 7.99, 8, 1000, 1e-3]) {
    const values = Float32Array.of(largest / 2, -largest, 0);
    const { scales } = encoded(values, {
      grids: [gridOf(floatLevels(name), "even-code")],
      scaling: { kind: "absolute" },
      scaleFormat: "float8e8m0",
    });
    expect(scales[0]).toBe(2 ** Math.floor(Math.log2(Math.fround(largest))) / power);
  }
});

test("the best of the tried ranges is taken, never a worse one than the whole", () => {
  const draws = random(9);
  for (const levels of [4, 8, 16, 256]) {
    for (const kind of ["signed", "affine"] as const) {
      const values = Float32Array.from({ length: 64 }, () => draws.normal());
      const options = { grids: [integers(-levels / 2, levels / 2 - 1)], scaling: { kind } };
      const whole = encoded(values, options);
      const searched = encoded(values, { ...options, range: { kind: "mse", steps: 30 } });
      expect(searched.squaredError).toBeLessThanOrEqual(whole.squaredError);
      if (kind === "affine" && levels <= 8) expect(searched.squaredError).toBeLessThan(whole.squaredError);
      expect(encoded(values, { ...options, range: { kind: "mse", steps: 1 } }).bytes).toEqual(whole.bytes);
    }
  }
});

test("percentile: nearest rank of the magnitudes; outliers saturate", () => {
  const values = Float32Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? 1 : -1) * (i + 1));
  const options = { grids: [integers(-127, 127)], scaling: { kind: "absolute" } as const };
  const { scales, codes } = encoded(values, { ...options, range: { kind: "percentile", percentile: 95 } });
  expect(scales[0]).toBe(Math.fround(95 / 127));
  expect(codes[99]).toBe(0);
  const sparse = Float32Array.from(values, (_, i) => (i === 3 ? -2 : 0));
  expect(encoded(sparse, { ...options, range: { kind: "percentile", percentile: 50 } }).scales[0]).toBe(
    Math.fround(2 / 127),
  );
});

test("mean: the scale that minimises the squared error, for -1 and 1 and for -1, 0 and 1", () => {
  fc.assert(
    fc.property(fc.array(fc.float({ min: -2, max: 2, noNaN: true }), { minLength: 4, maxLength: 40 }), (all) => {
      const values = Float32Array.from(all);
      const binary = encoded(values, { grids: [gridOf([-1, 1], "upper")], scaling: { kind: "mean" } });
      const mean = values.reduce((sum, x) => sum + Math.abs(x), 0) / values.length;
      expect(binary.scales[0]).toBeCloseTo(mean, 5);
      expect(binary.codes).toEqual([...values].map((x) => (x < 0 ? 0 : 1)));
      // Ternary: at the end the scale is the mean of what is coded as not 0.
      const ternary = encoded(values, { grids: [integers(-1, 1)], scaling: { kind: "mean" } });
      const taken = [...values].filter((_, i) => ternary.codes[i] !== 1).map(Math.abs);
      if (taken.length > 0) expect(ternary.scales[0]).toBeCloseTo(taken.reduce((a, b) => a + b, 0) / taken.length, 3);
    }),
    { numRuns: 300 },
  );
});

test("stochastic rounding has the value as its mean, and no number on the grid moves", () => {
  const value = 0.3;
  const values = new Float32Array(20_000).fill(value);
  values[0] = -4;
  values[1] = 2;
  for (const grid of [integers(-4, 3), gridOf([-4, -1, 0, 1, 2, 3], "lower")]) {
    const scaling = { kind: "none" } as const;
    const { codes } = encoded(values, { grids: [grid], scaling, rounding: { kind: "stochastic", seed: 1, first: 0 } });
    const numbers =
      grid.kind === "integer" ? codes.map((code) => code - 4) : codes.map((code) => [-4, -1, 0, 1, 2, 3][code]!);
    expect(numbers.slice(0, 2)).toEqual([-4, 2]);
    expect(new Set(numbers.slice(2))).toEqual(new Set([0, 1]));
    const mean = numbers.slice(2).reduce((a, b) => a + b, 0) / (numbers.length - 2);
    expect(Math.abs(mean - value)).toBeLessThan(0.015);
  }
});

test("outer order gives the codes, scales and zero points of quantize-blocks", () => {
  const shape = fc.record({ rows: fc.integer({ min: 1, max: 40 }), columns: fc.integer({ min: 1, max: 40 }) });
  const form = fc.record({
    along: fc.constantFrom("rows" as const, "columns" as const),
    block: fc.constantFrom(16, 32),
    symmetric: fc.boolean(),
    bits: fc.constantFrom(4 as const, 8 as const),
  });
  fc.assert(
    fc.property(shape, form, fc.infiniteStream(float), (shape, { bits, symmetric, ...form }, stream) => {
      const values = Float32Array.from({ length: shape.rows * shape.columns }, () => stream.next().value!);
      const expected = reference["quantize-blocks"](bytesOf(values), {
        ...shape,
        ...form,
        bits,
        symmetric,
        from: "float32",
      });
      const half = 2 ** (bits - 1);
      const found = reference.encode(bytesOf(values), {
        ...plain,
        ...shape,
        ...form,
        grids: [integers(-half, half - 1)],
        scaling: { kind: symmetric ? "signed" : "affine" },
        order: "outer",
        packing: packingFor(2 ** bits),
      });
      expect(found.scales).toEqual(expected.scales);
      expect(found.zeroPoints).toEqual(expected.zeroPoints);
      expect(found.bytes).toEqual(expected.bytes);
    }),
    { numRuns: 200 },
  );
});
