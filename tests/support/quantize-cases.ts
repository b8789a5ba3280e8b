// One small graph for each operator that holds weights, and what a quantize step makes of it.

import { expect } from "vitest";
import { run } from "../../src/engine/run.js";
import { float, graphAttribute, int, ints } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { everyNode } from "../../src/ir/traverse.js";
import { assertValid } from "../../src/ir/verify.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { random } from "../../src/tensor/random.js";
import { float32, type Tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { services } from "./services.js";
import { stepContext } from "./step-context.js";

const source = random(7);
export const normals = (count: number, scale = 1) =>
  Float32Array.from({ length: count }, () => source.normal() * scale);
export const weight = (...dims: number[]): Tensor =>
  float32(
    dims,
    normals(
      dims.reduce((a, b) => a * b),
      0.2,
    ),
  );
export const value = (...dims: number[]): Value => ({
  dtype: "float32",
  dims,
  data: normals(dims.reduce((a, b) => a * b)),
});

export interface Case {
  readonly model: Model;
  readonly feeds: Feeds;
}

export const one = (build: (b: GraphBuilder) => string, feeds: Feeds): Case => {
  const b = graphBuilder();
  for (const [name, { dtype, dims }] of Object.entries(feeds)) b.input(name, dtype, dims);
  b.output(build(b));
  return { model: b.model({ opset: 17 }), feeds };
};

export const cases: Readonly<Record<string, Case>> = {
  MatMul: one((b) => b.node("MatMul", ["x", b.initializer("w", weight(80, 48))]), { x: value(3, 80) }),
  Gemm: one(
    (b) => {
      b.initializer("w", weight(48, 80));
      b.initializer("c", weight(48));
      const attributes = { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) };
      return b.node("Gemm", ["x", "w", "c"], { attributes });
    },
    { x: value(80, 3) },
  ),
  Conv: one(
    (b) => {
      b.initializer("w", weight(24, 8, 3, 3));
      b.initializer("c", weight(24));
      return b.node("Conv", ["x", "w", "c"], {
        attributes: { group: int(2), pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) },
      });
    },
    { x: value(2, 16, 9, 9) },
  ),
  ConvTranspose: one(
    (b) =>
      b.node("ConvTranspose", ["x", b.initializer("w", weight(16, 12, 2, 2))], {
        attributes: { strides: ints([2, 2]) },
      }),
    { x: value(1, 16, 5, 5) },
  ),
  Gather: one((b) => b.node("Gather", [b.initializer("w", weight(60, 64)), "i"]), {
    i: { dtype: "int64", dims: [2, 3], data: BigInt64Array.from([0n, 59n, 7n, 8n, 8n, -1n]) },
  }),
  LSTM: one(
    (b) => {
      b.initializer("w", weight(2, 64, 32));
      b.initializer("r", weight(2, 64, 16));
      const attributes = { hidden_size: int(16), direction: "bidirectional" };
      return b.node("LSTM", ["x", "w", "r"], { attributes });
    },
    { x: value(5, 2, 32) },
  ),
  tied: one(
    (b) => {
      b.initializer("w", weight(90, 64));
      const rows = b.node("Gather", ["w", "i"]);
      return b.node("MatMul", [rows, b.node("Transpose", ["w"], { attributes: { perm: ints([1, 0]) } })]);
    },
    { i: { dtype: "int64", dims: [4], data: BigInt64Array.from([1n, 2n, 3n, 89n]) } },
  ),
  "inside If": one(
    (b) => {
      b.initializer("w", weight(64, 48));
      const branch = (name: string) => {
        const inner = graphBuilder(name, `${name}_`);
        inner.initializer(`${name}_w`, weight(64, 48));
        const sum = inner.node("Add", [inner.node("MatMul", ["x", `${name}_w`]), inner.node("MatMul", ["x", "w"])]);
        inner.output(sum, "float32", [3, 48]);
        return graphAttribute(inner.graph());
      };
      return b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } });
    },
    { x: value(3, 64), flag: { dtype: "bool", dims: [], data: Uint8Array.of(1) } },
  ),
};

export function sqnr(reference: Value, result: Value): number {
  expect(result.dims).toEqual(reference.dims);
  const [a, b] = [reference.data as Float32Array, result.data as Float32Array];
  let [signal, error] = [0, 0];
  for (const [at, x] of a.entries()) {
    signal += x * x;
    error += (x - b[at]!) ** 2;
  }
  return 10 * Math.log10(signal / error);
}

export async function quantized(
  given: Case,
  options: object,
  target = "any",
): Promise<{ model: Model; db: number; ops: string[] }> {
  const parsed = quantizeStep.options.parse({ minimum: 16, ...options });
  const { model } = await quantizeStep.apply(given.model, parsed, stepContext([given.feeds], target));
  assertValid(model);
  const [before] = Object.values(await run(given.model, given.feeds, services));
  const [after] = Object.values(await run(model, given.feeds, services));
  return { model, db: sqnr(before!, after!), ops: [...everyNode(model)].map((node) => node.opType) };
}
