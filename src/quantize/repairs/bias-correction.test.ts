// Bias correction takes the mean error of every channel away, wherever the bias stands.

import { describe, expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { assertValid } from "../../ir/verify.js";
import { channelStatistics } from "../../statistics/channel-statistics.js";
import { random } from "../../tensor/random.js";
import { float32, type Tensor } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { quantizeStep } from "../quantize.js";

const draw = random(11);
const numbers = (count: number, shift = 0) => Float32Array.from({ length: count }, () => draw.next() - 0.5 + shift);

/** Conv with bias, depthwise Conv without, both with Relu, then Gemm; channels well away from mean zero. */
function network(): Model {
  const b = graphBuilder();
  const conv = (x: string, name: string, dims: readonly number[], bias: boolean, group = 1) => {
    const weight = b.initializer(name, float32(dims, numbers(dims.reduce((all, size) => all * size, 1))));
    const inputs = bias
      ? [x, weight, b.initializer(`${name}_b`, float32([dims[0]!], numbers(dims[0]!, 1)))]
      : [x, weight];
    const made = b.node("Conv", inputs, { outputs: [`${name}_y`], attributes: { group, pads: [1, 1, 1, 1] } });
    return b.node("Relu", [made], { outputs: [`${name}_r`] });
  };
  const x = b.input("x", "float32", [1, 3, 8, 8]);
  const second = conv(conv(x, "first", [16, 3, 3, 3], true), "second", [16, 1, 3, 3], false, 16);
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [second])]);
  const last = [
    b.initializer("last", float32([16, 8], numbers(128))),
    b.initializer("last_b", float32([8], numbers(8))),
  ];
  b.output(b.node("Gemm", [flat, ...last], { outputs: ["y"] }), "float32", [1, 8]);
  return b.model();
}

const model = network();
const feeds = Array.from(
  { length: 8 },
  (): Feeds => ({ x: { dtype: "float32", dims: [1, 3, 8, 8], data: numbers(192, 0.5) } }),
);
const context = stepContext(feeds);
const quantized = async (options: object) => quantizeStep.apply(model, quantizeStep.options.parse(options), context);

/** Largest difference of the means of a channel of what the model gives. */
async function meanError(result: Model): Promise<number> {
  const means = async (of: Model) => (await channelStatistics(of, [{ name: "y", axis: 1 }], context)).get("y")!.mean;
  const [expected, found] = [await means(model), await means(result)];
  return Math.max(...expected.map((value, c) => Math.abs(value - found[c]!)));
}

describe.each([
  ["static", { weights: "int8", activations: "uint8" }],
  ["weight-only", { weights: "int3", granularity: "channel", minimum: 16 }],
] as const)("%s", (_, options) => {
  test.each(["empirical", "analytic"] as const)("%s: the mean error nearly goes", async (biasCorrection) => {
    const before = await quantized({ ...options, repair: ["none"] });
    const after = await quantized({ ...options, repair: ["bias-correction"], biasCorrection });
    assertValid(after.model);
    expect(after.notes.map(({ code }) => code)).toContain("bias-corrected");
    const [plain, corrected] = [await meanError(before.model), await meanError(after.model)];
    // Analytic sees the weights only; padded edges and rounded activations are beyond it.
    if (biasCorrection === "empirical") expect(corrected).toBeLessThan(Math.max(plain / 5, 1e-3));
    else expect(corrected).toBeLessThan(plain * 1.05);
  });
});

test("the same bytes of a correction whatever the number of threads", async () => {
  const options = quantizeStep.options.parse({
    weights: "int4",
    granularity: "channel",
    minimum: 16,
    repair: ["bias-correction"],
  });
  const biases = async (threads: number) => {
    const { model: result } = await quantizeStep.apply(model, options, { ...context, threads });
    return Buffer.from(await (result.graph.initializers.get("last_b") as Tensor).data.read()).toString("hex");
  };
  expect(await biases(1)).toBe(await biases(2));
});

describe("options that would do nothing are refused by name", () => {
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ weights: "float16", repair: ["equalize"] }, /equalize does nothing/],
    [{ weights: "float16", repair: ["bias-correction"] }, /bias-correction does nothing/],
    [{ activations: "dynamic", repair: ["bias-correction"] }, /bias-correction does nothing/],
    [{ repair: ["none", "equalize"] }, /none means/],
    [{ repair: ["equalise"] }, /no repair "equalise"/],
    [{ repair: ["equalize"], biasCorrection: "analytic" }, /Option biasCorrection does nothing/],
  ];
  test.each(wrong)("%o", async (options, message) => {
    await expect(quantized(options)).rejects.toThrow(message);
  });
});
