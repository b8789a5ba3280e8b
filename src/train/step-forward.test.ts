import { describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../tests/support/step-session.js";
import { graphBuilder } from "../ir/build.js";
import { float32 } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { prepare } from "./prepare.js";
import { buildStep } from "./step.js";

function expectNear(found: readonly number[], expected: readonly number[], relative: number): void {
  const size = Math.max(...expected.map(Math.abs));
  for (const [i, value] of found.entries()) {
    expect(Math.abs(value - expected[i]!), `element ${i}`).toBeLessThan(size * relative);
  }
}

describe("batch normalisation after three updates is PyTorch's", () => {
  const wave = (count: number, at: (i: number) => number) => Array.from({ length: count }, (_, i) => at(i));
  const x = floats(
    [6, 1, 4, 4],
    wave(96, (i) => Math.sin(i * 0.7) + 0.3 * Math.cos(i * 1.3)),
  );
  /** PyTorch 2.15 in float64: SGD with momentum 0.9 at 0.5; the loss is that of the third update. */
  const torch = {
    train: {
      loss: 1.102581,
      scale: [1.098677, 0.8833602],
      bias: [0.05547314, -0.1724328],
      mean: [0.03506679, -0.07203852],
      variance: [0.523083, 1.226276],
      filter: [0.1464786, 0.3348487, 0.08831806, -0.1572349],
      head: [0.3624026, -0.2520733, 0.1896706, -0.3559892, 0.6769759, 0.07901338],
    },
    frozen: {
      loss: 1.104709,
      scale: [1.093145, 0.8575207],
      bias: [0.023412, -0.1563471],
      mean: undefined,
      variance: undefined,
      filter: [0.08052029, 0.2497777, 0.05052935, -0.06690875],
      head: [0.3516313, -0.2415524, 0.1899211, -0.3355785, 0.6463945, 0.08918403],
    },
  };

  test.each([
    ["train", undefined],
    ["train", { segments: 2 }],
    ["frozen", undefined],
    ["frozen", { segments: 2 }],
  ] as const)("%s, computed again: %o", async (bn, recompute) => {
    const build = graphBuilder();
    build.input("x", "float32", [null, 1, 4, 4]);
    build.initializer(
      "filter",
      float32(
        [2, 1, 3, 3],
        wave(18, (i) => 0.3 * Math.sin(i * 1.1 + 0.5)),
      ),
    );
    for (const [name, values] of Object.entries({
      scale: [1.2, 0.8],
      bias: [0.1, -0.2],
      mean: [0.05, -0.1],
      variance: [0.5, 1.5],
    })) {
      build.initializer(name, float32([2], values));
    }
    build.initializer("head", float32([2, 3], [0.5, -0.4, 0.2, -0.3, 0.6, 0.1]));
    const filtered = build.node("Conv", ["x", "filter"], { attributes: { kernel_shape: [3, 3], pads: [1, 1, 1, 1] } });
    const normal = build.node("BatchNormalization", [filtered, "scale", "bias", "mean", "variance"]);
    const pooled = build.node("Flatten", [build.node("GlobalAveragePool", [build.node("Relu", [normal])])]);
    build.output(build.node("MatMul", [pooled, "head"], { outputs: ["y"] }), "float32", [null, 3]);
    const prepared = await prepare(build.model(), { feeds: { x } }, engineServices());
    const step = buildStep(prepared, {
      losses: [{ loss: "cross-entropy" }],
      optimizer: { name: "sgd" },
      bn,
      recompute,
    });
    const session = await openStep(step);
    let results: Record<string, Value> = {};
    for (let i = 0; i < 3; i++) results = await session.run({ feeds: { x }, labels: [0, 1, 2, 2, 1, 0], lr: 0.5 });
    await session.release();
    const { loss, ...expected } = torch[bn];
    const weights = session.weights();
    expect(scalar(results.loss)).toBeCloseTo(loss, 5);
    for (const [name, values] of Object.entries(expected)) {
      if (values === undefined) expect(weights[name], name).toBeUndefined();
      else expectNear(weights[name]!.slice(0, values.length), values, 1e-5);
    }
  });
});
