// GPTQ against a plain implementation of the paper, and what it does to the outputs of a product.
// Long because it holds a plain reference of the method.

import { describe, expect, it } from "vitest";
import type { FitLayout } from "../../src/quantize/fitted/layout.js";
import { coderOf, decoded, type Fit, partsOf } from "../../src/quantize/fitted/problem.js";
import { solve } from "../../src/quantize/fitted/solve.js";
import { inverseFactor, type Multiply, multiplyHere } from "../../src/statistics/cholesky.js";
import type { ProductView } from "../../src/statistics/products.js";
import { packingFor } from "../../src/tensor/packing.js";
import { random } from "../../src/tensor/random.js";

interface Options {
  readonly bits?: number;
  readonly block?: number;
  readonly symmetric?: boolean;
  readonly actOrder?: boolean;
  readonly damping?: number;
  readonly range?: "importance" | "hqq" | undefined;
  readonly rounding?: "gptq" | undefined;
}

/** A weight [outputs, inputs] in blocks along its inputs. */
function layoutOf(outputs: number, inputs: number, options: Options): FitLayout {
  const { bits = 4, block = 16, symmetric = true, range, actOrder = false, damping = 0.01 } = options;
  const half = symmetric ? 2 ** (bits - 1) : 0;
  const sharing = { rows: outputs, columns: inputs, along: "columns" as const, block };
  return {
    options: { range, rounding: options.rounding, actOrder, damping, sequential: false, importance: "inputs" },
    sharing,
    layout: {
      from: "float32",
      ...sharing,
      grids: [{ kind: "integer", low: -half, high: 2 ** bits - 1 - half }],
      scaling: { kind: symmetric ? "signed" : "affine" },
      scaleFormat: "float32",
      tensorScale: 1,
      range: { kind: "absmax" },
      rounding: { kind: "nearest" },
      order: "own",
      packing: packingFor(2 ** bits),
    },
  };
}

const viewOf = (outputs: number, inputs: number): ProductView => ({
  groups: 1,
  outputs,
  inputs,
  groupStride: 0,
  outputStride: inputs,
  inputStride: 1,
});

/** Weights, and sums of products of inputs that are correlated and of different size. */
function problem(seed: number, outputs: number, inputs: number) {
  const source = random(seed);
  const weights = Float32Array.from({ length: outputs * inputs }, () => source.normal());
  const gram = new Float64Array(inputs * inputs);
  for (let sample = 0; sample < inputs + 20; sample++) {
    const shared = source.normal();
    const x = Array.from({ length: inputs }, (_, i) => (source.normal() + shared) * (1 + (i % 7)));
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) gram[i * inputs + j] = gram[i * inputs + j]! + x[i]! * x[j]!;
    }
  }
  return { weights, gram };
}

/** tr((W - Q) H (W - Q)^T). */
function outputError(weights: Float32Array, levels: Float32Array, gram: Float64Array, inputs: number): number {
  let sum = 0;
  for (let row = 0; row < weights.length; row += inputs) {
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) {
        const [a, b] = [weights[row + i]! - levels[row + i]!, weights[row + j]! - levels[row + j]!];
        sum += a * b * gram[i * inputs + j]!;
      }
    }
  }
  return sum;
}

const levelsOf = (fit: Fit, layout: FitLayout) =>
  decoded(fit, partsOf(layout.sharing), coderOf(layout.layout.grids[0]!), 1);

/** By Gauss and Jordan. */
function inverse(matrix: Float64Array, size: number): Float64Array {
  const a = matrix.slice();
  const b = new Float64Array(size * size);
  for (let i = 0; i < size; i++) b[i * size + i] = 1;
  for (let i = 0; i < size; i++) {
    const pivot = a[i * size + i]!;
    for (let j = 0; j < size; j++) {
      a[i * size + j] = a[i * size + j]! / pivot;
      b[i * size + j] = b[i * size + j]! / pivot;
    }
    for (let k = 0; k < size; k++) {
      if (k === i) continue;
      const factor = a[k * size + i]!;
      for (let j = 0; j < size; j++) {
        a[k * size + j] = a[k * size + j]! - factor * a[i * size + j]!;
        b[k * size + j] = b[k * size + j]! - factor * b[i * size + j]!;
      }
    }
  }
  return b;
}

/**
 * The paper's recursion, one input at a time, as optimal brain surgery states it: the inverse of what is left is updated by
 * elimination, without any Cholesky factor. Scales are given: those of the whole range of each block, found when the block is
 * reached, or before everything else.
 */
function plainGptq(weights: Float32Array, gram: Float64Array, outputs: number, inputs: number, options: Options) {
  const { bits = 4, block = 16, symmetric = true, actOrder = false, damping = 0.01 } = options;
  const mean = Array.from({ length: inputs }, (_, i) => gram[i * inputs + i]!).reduce((a, b) => a + b) / inputs;
  const order = Array.from({ length: inputs }, (_, i) => i);
  if (actOrder) order.sort((a, b) => gram[b * inputs + b]! - gram[a * inputs + a]! || a - b);
  const damped = gram.slice();
  for (let i = 0; i < inputs; i++) damped[i * inputs + i] = damped[i * inputs + i]! + damping * mean;
  const left = inverse(damped, inputs);
  const rows = Float64Array.from(weights);
  const scaleOf = (row: number, from: number) => {
    const values = Array.from(rows.subarray(row + from, row + Math.min(from + block, inputs)), Math.fround);
    const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
    if (symmetric) {
      const extreme = Math.abs(Math.max(...values)) > Math.abs(Math.min(...values)) ? high : low;
      return { scale: Math.fround(extreme / -(2 ** (bits - 1))), zero: 2 ** (bits - 1) };
    }
    const scale = Math.fround(Math.fround(high - low) / (2 ** bits - 1));
    return { scale, zero: Math.floor(-Math.fround(low / scale) + 0.5) };
  };
  const blocks = Math.ceil(inputs / block);
  const scales = Array.from({ length: outputs * blocks }, (_, at) =>
    scaleOf(Math.floor(at / blocks) * inputs, (at % blocks) * block),
  );
  const places = new Uint8Array(weights.length);
  for (const [step, input] of order.entries()) {
    const diagonal = left[input * inputs + input]!;
    for (let output = 0; output < outputs; output++) {
      const row = output * inputs;
      const part = output * blocks + Math.floor(input / block);
      if (!actOrder && input % block === 0) scales[part] = scaleOf(row, input);
      const { scale, zero } = scales[part]!;
      const value = rows[row + input]!;
      const whole = value / scale + 6755399441055744 - 6755399441055744;
      const place = Math.min(2 ** bits - 1, Math.max(0, whole + zero));
      places[row + input] = place;
      const error = (value - (place - zero) * scale) / diagonal;
      for (const later of order.slice(step + 1)) {
        rows[row + later] = rows[row + later]! - error * left[input * inputs + later]!;
      }
    }
    const row = left.slice(input * inputs, (input + 1) * inputs);
    for (let i = 0; i < inputs; i++) {
      for (let j = 0; j < inputs; j++) {
        left[i * inputs + j] = left[i * inputs + j]! - (row[i]! * row[j]!) / diagonal;
      }
    }
  }
  return places;
}

describe("the factor of the inverse", () => {
  it.each([1, 2, 128, 129, 257])("of %i inputs has the inverse as its square", async (size) => {
    const { gram } = problem(size, 1, size);
    const factor = gram.slice();
    expect(await inverseFactor(factor, size, multiplyHere)).toBe(true);
    expect(factor.some((value, at) => at % size < Math.floor(at / size) && value !== 0)).toBe(false);
    // U^T U H = I.
    const turned = new Float64Array(size * size);
    for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) turned[j * size + i] = factor[i * size + j]!;
    const sizes = { m: size, k: size, n: size };
    const product = await multiplyHere(await multiplyHere(turned, factor, sizes), gram, sizes);
    let worst = 0;
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) worst = Math.max(worst, Math.abs(product[i * size + j]! - (i === j ? 1 : 0)));
    }
    expect(worst).toBeLessThan(1e-7);
  });

  it("is refused where there is none", async () => {
    expect(await inverseFactor(Float64Array.of(1, 2, 2, 1), 2, multiplyHere)).toBe(false);
    expect(await inverseFactor(Float64Array.of(0), 1, multiplyHere)).toBe(false);
    expect(await inverseFactor(Float64Array.of(1, 0, 0, Number.NaN), 2, multiplyHere)).toBe(false);
  });
});

describe("gptq", () => {
  const variants: readonly (Options & { readonly inputs?: number })[] = [
    {},
    { actOrder: true },
    { symmetric: false },
    { symmetric: false, bits: 2 },
    { bits: 3, actOrder: true, block: 32 },
    { bits: 8, damping: 0.1 },
    { inputs: 50, block: 16 },
    { inputs: 200, block: 16 },
    { inputs: 200, block: 64, symmetric: false, actOrder: true },
    { inputs: 150, block: 150, bits: 3 },
    { inputs: 160, block: 48, bits: 5 },
  ];

  it.each(variants)("finds the codes of the plain recursion: %o", async ({ inputs = 64, ...options }) => {
    const outputs = 6;
    const { weights, gram } = problem(inputs, outputs, inputs);
    const layout = layoutOf(outputs, inputs, { ...options, rounding: "gptq" });
    const { fit } = await solve(weights, layout, { view: viewOf(outputs, inputs), gram }, multiplyHere);
    const expected = plainGptq(weights, gram, outputs, inputs, options);
    expect(Array.from(fit.places)).toEqual(Array.from(expected));
  });

  it("finds the same codes of a weight that stands transposed", async () => {
    const [outputs, inputs] = [7, 48];
    const { weights, gram } = problem(3, outputs, inputs);
    const layout = layoutOf(outputs, inputs, { rounding: "gptq" });
    const turned = weights.map((_, at) => weights[(at % outputs) * inputs + Math.floor(at / outputs)]!);
    const sharing = { rows: inputs, columns: outputs, along: "rows" as const, block: 16 };
    const other = { ...layout, sharing, layout: { ...layout.layout, ...sharing } };
    const view = { ...viewOf(outputs, inputs), outputStride: 1, inputStride: outputs };
    const a = await solve(weights, layout, { view: viewOf(outputs, inputs), gram }, multiplyHere);
    const b = await solve(turned, other, { view, gram }, multiplyHere);
    for (let output = 0; output < outputs; output++) {
      for (let i = 0; i < inputs; i++) {
        expect(b.fit.places[i * outputs + output]).toBe(a.fit.places[output * inputs + i]);
      }
    }
  });

  it("changes outputs less than rounding to nearest", async () => {
    const [outputs, inputs] = [6, 48];
    for (let seed = 0; seed < 4; seed++) {
      const { weights, gram } = problem(seed, outputs, inputs);
      for (const bits of [2, 3, 4, 8]) {
        for (const range of [undefined, "hqq", "importance"] as const) {
          const options = { bits, range, symmetric: seed % 2 === 0 };
          const errors: number[] = [];
          for (const way of [{}, { rounding: "gptq" as const }, { rounding: "gptq" as const, actOrder: true }]) {
            const layout = layoutOf(outputs, inputs, { ...options, ...way });
            const { fit } = await solve(weights, layout, { view: viewOf(outputs, inputs), gram }, multiplyHere);
            errors.push(outputError(weights, levelsOf(fit, layout), gram, inputs));
          }
          expect(errors[1]).toBeLessThan(errors[0]!);
          expect(errors[2]).toBeLessThan(errors[0]!);
        }
      }
    }
  });

  it("rounds to nearest where inputs are not correlated", async () => {
    const [outputs, inputs] = [4, 32];
    const { weights } = problem(1, outputs, inputs);
    const gram = new Float64Array(inputs * inputs);
    for (let i = 0; i < inputs; i++) gram[i * inputs + i] = 1 + i;
    const inputsOf = { view: viewOf(outputs, inputs), gram };
    const a = await solve(weights, layoutOf(outputs, inputs, { rounding: "gptq" }), inputsOf, multiplyHere);
    const b = await solve(weights, layoutOf(outputs, inputs, {}), inputsOf, multiplyHere);
    expect(a.fit.places).toEqual(b.fit.places);
  });

  it("has something for inputs that never came, and damps until there is an inverse", async () => {
    const [outputs, inputs] = [3, 32];
    const { weights } = problem(2, outputs, inputs);
    const layout = layoutOf(outputs, inputs, { rounding: "gptq", damping: 0 });
    const view = viewOf(outputs, inputs);
    const none = await solve(weights, layout, { view, gram: new Float64Array(inputs * inputs) }, multiplyHere);
    expect(none.obstacle).toBeUndefined();
    const plain = await solve(weights, layoutOf(outputs, inputs, {}), undefined, multiplyHere);
    expect(none.fit.places).toEqual(plain.fit.places);
    // One sample: rank 1.
    const x = Float64Array.from({ length: inputs }, (_, i) => i - 11);
    const one = Float64Array.from(
      { length: inputs * inputs },
      (_, at) => x[Math.floor(at / inputs)]! * x[at % inputs]!,
    );
    const found = await solve(weights, layout, { view, gram: one }, multiplyHere);
    expect(found.obstacle).toBeUndefined();
    const before = outputError(weights, levelsOf(plain.fit, layout), one, inputs);
    expect(outputError(weights, levelsOf(found.fit, layout), one, inputs)).toBeLessThan(before);
    // What is not a Hessian at all is refused, and the weight rounded to nearest.
    const broken = await solve(weights, layout, { view, gram: one.map(() => Number.NaN) }, multiplyHere);
    expect(broken.obstacle).toMatch(/no inverse/);
    expect(broken.fit.places).toEqual(plain.fit.places);
  });

  it("hands out its large products", async () => {
    const [outputs, inputs] = [4, 300];
    const { weights, gram } = problem(9, outputs, inputs);
    const layout = layoutOf(outputs, inputs, { rounding: "gptq" });
    let handed = 0;
    const multiply: Multiply = (a, b, sizes) => {
      expect(a.length).toBe(sizes.m * sizes.k);
      expect(b.length).toBe(sizes.k * sizes.n);
      handed++;
      return multiplyHere(a, b, sizes);
    };
    await solve(weights, layout, { view: viewOf(outputs, inputs), gram }, multiply);
    // Two panels of three for each: the factor, its inverse, the errors.
    expect(handed).toBe(6);
  });
});
