// What check says of a node is what the runtimes say of it: a session of that node alone starts, or does not.

import { describe, expect, it } from "vitest";
import { check } from "../../src/check.js";
import { int } from "../../src/ir/attributes.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { toBytes } from "../../src/onnx/encode.js";
import { openRuntime } from "../../src/platform/node/runtime.js";
import type { DType } from "../../src/tensor/dtype.js";

/** Operators by how many inputs of one type they take. */
const OPERATORS: readonly (readonly [string, number, Readonly<Record<string, ReturnType<typeof int>>>?])[] = [
  ["Abs", 1],
  ["Sin", 1],
  ["Relu", 1],
  ["Sqrt", 1],
  ["Softmax", 1],
  ["Gelu", 1],
  ["HardSwish", 1],
  ["Cast", 1, { to: int(1) }],
  ["Transpose", 1],
  ["Not", 1],
  ["Add", 2],
  ["MatMul", 2],
  ["MatMulInteger", 2],
  ["BitwiseAnd", 2],
  ["GlobalAveragePool", 1],
  ["Swish", 1],
];
const TYPES: readonly DType[] = ["float32", "float16", "float64", "int64", "uint8", "int8", "bool"];
const OPSETS = [12, 20, 24];

function single(
  opType: string,
  inputs: number,
  dtype: DType,
  opset: number,
  attributes: Readonly<Record<string, ReturnType<typeof int>>> = {},
): Model {
  const b = graphBuilder();
  const names = Array.from({ length: inputs }, (_, i) => b.input(`x${i}`, dtype, [1, 2, 2, 2]));
  b.output(b.node(opType, names, { name: "it", attributes }));
  return b.model({ opset });
}

describe.each(["native", "wasm"] as const)("%s", (choice) => {
  const named = OPERATORS.map((one) => [one[0], one] as const);
  it.each(named)("%s", { timeout: 60_000 }, async (_, [opType, inputs, attributes = {}]) => {
    const runtime = await openRuntime(choice);
    const wrong: string[] = [];
    let [ran, refused] = [0, 0];
    for (const dtype of TYPES) {
      for (const opset of OPSETS) {
        const model = single(opType, inputs, dtype, opset, attributes);
        const { runs } = await check(model, { target: choice === "native" ? "node" : "wasm" });
        const error = await runtime
          .createSession({ bytes: await toBytes(model) }, { threads: 1, optimize: "off" })
          .then((session) => session.release())
          .then(
            () => undefined,
            (reason: unknown) => String(reason),
          );
        if (error === undefined) ran++;
        else refused++;
        if (runs !== (error === undefined))
          wrong.push(`${dtype} at opset ${opset}: check says ${runs}, it says ${error ?? "ok"}`);
      }
    }
    expect(wrong).toEqual([]);
    expect(ran).toBeGreaterThan(0);
    // Each operator has a type or an opset that no kernel takes, but for those that move or cast anything.
    if (!["Cast", "Transpose"].includes(opType)) expect(refused).toBeGreaterThan(0);
  });
});
