// Runs the gradient cases of cases/quantization.ts. QuantizeLinear is tested through a DequantizeLinear behind it, against
// the definition of training through rounding.

import { describe, expect, test } from "vitest";
import { run } from "../../../src/engine/run.js";
import { UNFUSED } from "../../../src/engine/runtime.js";
import { intOf } from "../../../src/ir/attributes.js";
import { graphBuilder, makeNode } from "../../../src/ir/build.js";
import type { Node } from "../../../src/ir/model.js";
import { random } from "../../../src/tensor/random.js";
import { float32, tensor } from "../../../src/tensor/tensor.js";
import { backward } from "../../../src/train/backward.js";
import { Emitter, type ValueShape } from "../../../src/train/emitter.js";
import { fakeQuantize } from "../../support/definitions/fake-quantize.js";
import { asValue, constantNumbers, constantTensor, type Filled, fill } from "../../support/gradient-fill.js";
import { type GradientCase, type Numbers64, runGradientCases } from "../../support/gradients.js";
import { services } from "../../support/services.js";
import { cases } from "./cases/quantization.js";

runGradientCases(cases.filter(({ operator }) => operator !== "QuantizeLinear"));

const RANGES = { int8: [-128, 127], uint8: [0, 255] } as const;

/** dy of sum(y * dy), and the loss of the graph: forward nodes, backward pass, and what is asked for. */
async function throughCodes({ node, inputs, constants }: Filled, dy: Float64Array) {
  const shapes = new Map<string, ValueShape>();
  for (const [name, { dims }] of inputs) shapes.set(name, { dtype: "float32", dims });
  const zero = constants.get("z");
  const stored = zero === undefined ? undefined : constantTensor(zero, "float32");
  if (stored !== undefined) shapes.set("z", stored);
  const emit = new Emitter({ shape: (name) => shapes.get(name), has: (name) => shapes.has(name) });
  const x = inputs.get("x")!;
  emit.declare("q", { dtype: stored?.dtype ?? "uint8", dims: x.dims });
  emit.declare("y", { dtype: "float32", dims: x.dims });
  const { attributes } = node;
  const both: Node[] = [
    { ...node, outputs: ["q"] },
    { ...makeNode("DequantizeLinear", ["q", ...node.inputs.slice(1)], ["y"]), attributes },
  ];
  const loss = emit.total(emit.mul("y", emit.store("dy", float32(x.dims, dy))));
  const forward = [...both, ...emit.nodes];
  const found = backward({ nodes: forward, loss, targets: ["x", "scale"] }, emit);
  const builder = graphBuilder();
  for (const [name, { dims }] of inputs) builder.input(name, "float32", dims);
  if (stored !== undefined) builder.initializer("z", stored);
  for (const [name, value] of emit.initializers) builder.initializer(name, value);
  builder.output("y");
  for (const gradient of found.values()) builder.output(gradient);
  const graph = { ...builder.graph(), nodes: [...both, ...emit.nodes] };
  const feeds = Object.fromEntries([...inputs].map(([name, value]) => [name, asValue(value, "float32")]));
  const made = await run({ ...builder.model({ opset: 21 }), graph }, feeds, services, { config: UNFUSED });
  const numbers = (name: string) => [...(made[name]!.data as Float32Array)];
  return { y: numbers("y"), dx: numbers(found.get("x")!), dscale: numbers(found.get("scale")!) };
}

describe("QuantizeLinear, straight through", () => {
  const own = cases.find(({ operator }) => operator === "QuantizeLinear")!.cases as readonly GradientCase[];
  test.each(own)("$name", async (one) => {
    const filled = fill("QuantizeLinear", one, "float32");
    const x = filled.inputs.get("x")!;
    const scale = filled.inputs.get("scale")!;
    const dy = random(5);
    const direction = Float64Array.from(x.data, () => Math.fround(dy.normal()));
    const stated = filled.constants.get("z");
    const z: Numbers64 =
      stated === undefined ? { dims: scale.dims, data: scale.data.map(() => 0) } : constantNumbers(stated);
    const type = typeof stated === "object" && "dtype" in stated ? stated.dtype : "uint8";
    const [low, high] = RANGES[type as keyof typeof RANGES];
    const expected = fakeQuantize(x, scale, z, direction, {
      low,
      high,
      axis: intOf(filled.node, "axis", 1),
      block: intOf(filled.node, "block_size", 0),
    });
    expect(expected.clipped, "numbers beyond the codes").toBeGreaterThan(0);
    expect(expected.clipped).toBeLessThan(x.data.length);
    const found = await throughCodes(filled, direction);
    for (const name of ["y", "dx", "dscale"] as const) {
      expected[name].forEach((value, at) => {
        expect(Math.abs(found[name][at]! - value), `${name}[${at}]`).toBeLessThan(2e-4 * Math.max(1, Math.abs(value)));
      });
    }
  });

  test("the last code passes, the number beyond it does not", async () => {
    const filled = fill(
      "QuantizeLinear",
      {
        name: "bounds",
        inputs: {
          x: { dims: [6], values: [127, 127.25, 127.75, -128, -128.5, -129] },
          scale: { dims: [], values: [1] },
        },
        constants: { z: { dims: [], values: [0], dtype: "int8" } },
      },
      "float32",
    );
    const { y, dx } = await throughCodes(filled, new Float64Array(6).fill(1));
    expect(y).toEqual([127, 127, 127, -128, -128, -128]);
    // -128.5 rounds to the even -128.
    expect(dx).toEqual([1, 1, 0, 1, 1, 0]);
  });

  test("codes without a range are refused by name", () => {
    const shapes: Record<string, ValueShape> = {
      x: { dtype: "float32", dims: [2] },
      s: { dtype: "float32", dims: [] },
      z: tensor("float8e4m3fn", [], Uint8Array.of(0)),
      q: { dtype: "float8e4m3fn", dims: [2] },
      loss: { dtype: "float32", dims: [] },
    };
    const emit = new Emitter({ shape: (name) => shapes[name], has: (name) => name in shapes });
    const nodes = [
      makeNode("QuantizeLinear", ["x", "s", "z"], ["q"]),
      makeNode("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ];
    emit.declare("y", { dtype: "float32", dims: [2] });
    nodes.push(makeNode("ReduceSum", ["y"], ["loss"], { attributes: { keepdims: 0 } }));
    expect(() => backward({ nodes, loss: "loss", targets: ["x"] }, emit)).toThrow(/codes of type float8e4m3fn/);
  });
});
