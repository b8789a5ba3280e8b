// Weights of the worst kind (neighbours of one sign, all as large as they can be) and inputs at the top of their range: on x64
// without VNNI the runtime's kernels saturate on them, unless scales and codes are made so that they cannot. The kernels of
// WebAssembly are exact, so both must give the same.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import { excess, ordersOf, withinPairs } from "../../src/quantize/static/saturation.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import { farthest, outputsOf, quantizeStatic } from "../support/static-quantize.js";

const { next } = random(3);
const product = (dims: readonly number[]) => dims.reduce((all, dim) => all * dim, 1);
type Signs = "alike" | "mixed";
/** Most of them near the largest; one sign for each channel of an axis, or any: then only pairs in the kernel's order count. */
const worst = (dims: readonly number[], signs: Signs, axis = 0) => {
  const inner = product(dims.slice(axis + 1));
  return float32(
    dims,
    Array.from({ length: product(dims) }, (_, at) => {
      const positive = signs === "mixed" ? next() < 0.5 : Math.floor(at / inner) % 2 === 0;
      return (positive ? 1 : -1) * (next() < 0.8 ? 1 : next());
    }),
  );
};

interface Case {
  readonly dims: readonly number[];
  build(b: GraphBuilder, signs: Signs): string;
}

const conv = (outputs: number, inputs: number, kernel: readonly number[], group = 1): Case => ({
  dims: [1, inputs * group, ...kernel.map((size) => size + 2)],
  build(b, signs) {
    b.initializer("w", worst([outputs, inputs, ...kernel], signs));
    return b.node("Conv", ["x", "w"], { attributes: { kernel_shape: kernel, group } });
  },
});
const matmul = (rows: number, depth: number, columns: number): Case => ({
  dims: [rows, depth],
  build(b, signs) {
    b.initializer("w", worst([depth, columns], signs, 1));
    return b.node("MatMul", ["x", "w"]);
  },
});

const cases: Readonly<Record<string, Case>> = {
  "Conv 3x3 of 3 channels": conv(8, 3, [3, 3]),
  "Conv 3x3 of 5 channels": conv(7, 5, [3, 3]),
  "Conv 3x3 of 8 channels": conv(16, 8, [3, 3]),
  "Conv 3x2 of 2 channels": conv(4, 2, [3, 2]),
  "Conv 1x1 of 16 channels": conv(16, 16, [1, 1]),
  "Conv 1x1 of 7 channels": conv(5, 7, [1, 1]),
  "Conv 3x3 of 1 channel": conv(8, 1, [3, 3]),
  "Conv in groups of 4": conv(16, 4, [3, 3], 4),
  "Conv in groups of 3": conv(6, 3, [3, 3], 2),
  "depthwise Conv": conv(16, 1, [3, 3], 16),
  "Conv of signals": conv(8, 6, [5]),
  "MatMul of one row": matmul(1, 33, 40),
  "MatMul of some rows": matmul(6, 64, 24),
  "MatMul of an odd depth": matmul(6, 31, 5),
};

describe.each([
  ["uint8", "alike"],
  ["uint8", "mixed"],
  ["int8", "alike"],
] as const)("activations %s, signs %s", (activations, signs) => {
  it.each(Object.entries(cases))("%s", async (_name, { dims, build }) => {
    const b = graphBuilder();
    b.input("x", "float32", dims);
    b.output(build(b, signs), "float32");
    const model = b.model({ opset: 17 });
    // All at the top, but one, so that the range is that of 0 to 1.
    const x = {
      dtype: "float32" as const,
      dims,
      data: Float32Array.from({ length: product(dims) }, (_, at) => +(at > 0)),
    };
    const options = { activations };
    const result = await quantizeStatic(model, [{ x }], options);
    const [output] = model.graph.outputs;
    const exact = (await outputsOf(result.model, { x }, { runtime: "wasm" }))[output!.name]!;
    const found = (await outputsOf(result.model, { x }))[output!.name]!;
    const float = (await outputsOf(model, { x }))[output!.name]!;
    const largest = Math.max(...(float.data as Float32Array).map(Math.abs));
    // Saturated sums of this size would be off by a good part of one product.
    expect(farthest(found, exact)).toBeLessThan(signs === "mixed" ? Math.max(largest / 200, 0.02) : largest / 100);
    if (signs === "alike") expect(farthest(found, float)).toBeLessThan(largest / 20);
  });
});

describe("codes that cannot saturate", () => {
  const codes = fc.array(fc.integer({ min: -127, max: 127 }), { minLength: 1, maxLength: 60 });
  const dims = fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 }));

  it("are within their pairs in every order, and no farther from 0 than they were", () => {
    fc.assert(
      fc.property(dims, fc.integer(), (shape, seed) => {
        const { int } = random(seed);
        const before = Float64Array.from({ length: product(shape) }, () => int(255) - 127);
        const after = before.slice();
        const orders = ordersOf("image", shape);
        withinPairs(after, orders);
        expect(excess(after, orders)).toBeLessThanOrEqual(1);
        for (const [at, code] of after.entries()) {
          expect(Math.abs(code)).toBeLessThanOrEqual(Math.abs(before[at]!));
          expect(code * before[at]!).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("stay as they are where nothing saturates", () => {
    fc.assert(
      fc.property(codes, (given) => {
        const half = Float64Array.from(given, (code) => Math.trunc(code / 2));
        const after = half.slice();
        withinPairs(after, ordersOf("matrix", [half.length]));
        expect(after).toEqual(half);
      }),
    );
  });
});
