// Runs the gradient cases of cases/normalisation.ts, and what they cannot say: results between that are left out.

import { expect, test } from "vitest";
import { run } from "../../../src/engine/run.js";
import { float } from "../../../src/ir/attributes.js";
import { graphBuilder, makeNode } from "../../../src/ir/build.js";
import { random } from "../../../src/tensor/random.js";
import { backward } from "../../../src/train/backward.js";
import { Emitter } from "../../../src/train/emitter.js";
import { runGradientCases } from "../../support/gradients.js";
import { services } from "../../support/services.js";
import { cases } from "./cases/normalisation.js";

runGradientCases(cases);

test.each([
  { opType: "SkipLayerNormalization", inputs: ["x", "skip", "gamma", "", "bias"] },
  { opType: "SkipSimplifiedLayerNormalization", inputs: ["x", "skip", "gamma", "bias"] },
])("the sum that $opType gives to the next block carries a gradient", async ({ opType, inputs }) => {
  const draw = random(5);
  const dims = { x: [2, 3, 4], skip: [3, 4], gamma: [4], bias: [4], fixed: [2, 3, 4] };
  const given = Object.entries(dims).map(([name, size]) => {
    const length = size.reduce((all, one) => all * one, 1);
    return [
      name,
      { dtype: "float32" as const, dims: size, data: Float32Array.from({ length }, () => draw.normal()) },
    ] as const;
  });
  const shapes = new Map(given.map(([name, value]) => [name, value]));
  /** Gradients of sum(fixed * y * sum), with the sum as the fused operator gives it, or apart. */
  const gradients = async (fused: boolean) => {
    const emit = new Emitter({ shape: (name) => shapes.get(name), has: (name) => shapes.has(name) });
    const float32 = { dtype: "float32", dims: dims.x } as const;
    const options = { domain: "com.microsoft", attributes: { epsilon: float(1e-5) } };
    let sum: string;
    let y: string;
    if (fused) {
      [y, sum] = [emit.declare("y", float32), emit.declare("sum", float32)];
      emit.nodes.push(makeNode(opType, inputs, [y, "", "", sum], options));
    } else {
      sum = emit.add(emit.add("x", "skip"), "bias");
      y = emit.op(opType, [sum, emit.op("Sub", ["skip", "skip"]), "gamma"], { ...options, dims: dims.x });
    }
    const loss = emit.total(emit.mul("fixed", emit.mul(y, sum)));
    const targets = ["x", "skip", "gamma", "bias"];
    const found = backward({ nodes: [...emit.nodes], loss, targets }, emit);
    const builder = graphBuilder();
    for (const [name, value] of given) builder.input(name, "float32", value.dims);
    for (const [name, value] of emit.initializers) builder.initializer(name, value);
    for (const name of found.values()) builder.output(name);
    const model = builder.model({ opsets: { "com.microsoft": 1 } });
    const results = await run(
      { ...model, graph: { ...model.graph, nodes: emit.nodes } },
      Object.fromEntries(given),
      services,
    );
    return targets.map((name) => [...(results[found.get(name)!]!.data as Float32Array)]);
  };
  const [found, expected] = [await gradients(true), await gradients(false)];
  expected.forEach((values, at) => {
    for (const [i, value] of values.entries()) expect(found[at]![i]).toBeCloseTo(value, 4);
  });
});
