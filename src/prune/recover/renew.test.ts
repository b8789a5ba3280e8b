// New running statistics are taken where they are better on held-out data, and only there.

import { expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { spirals } from "../../../tests/support/train-case.js";
import type { Dataset } from "../../data/dataset.js";
import { float } from "../../ir/attributes.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { float32 } from "../../tensor/tensor.js";
import { finetuneOptions } from "../../train/finetune-options.js";
import { recover } from "./recover.js";
import { renewBatchNorm } from "./renew.js";

/** x [n, 2] -> batch normalisation with these running means -> 3 classes by direction, as spirals have them. */
function network(mean: number): Model {
  const g = graphBuilder();
  g.input("x", "float32", ["n", 2]);
  const vectors = { scale: 2, shift: 0, mean, variance: 0.6 };
  const names = Object.entries(vectors).map(([name, value]) => g.initializer(name, float32([2], [value, value])));
  const normed = g.node("BatchNormalization", ["x", ...names], { attributes: { epsilon: float(1e-5) } });
  // Between the angles at which the classes begin and end.
  const angles = [0, 1, 2].map((label) => 1.4 + (label * 2 * Math.PI) / 3);
  const directions = [...angles.map(Math.cos), ...angles.map(Math.sin)];
  g.output(g.node("MatMul", [normed, g.initializer("w", float32([2, 3], directions))]), "float32", ["n", 3]);
  return g.model({ opset: 17 });
}

async function means(model: Model): Promise<number[]> {
  const found = model.graph.initializers.get("mean")!;
  if (found.sparse) throw new Error("sparse");
  return [...new Float32Array((await found.data.read()).slice().buffer)];
}

const held = spirals({ size: 60, seed: 8 });
/** The train part moved away from the held-out one. */
const moved = (by: number): Dataset => {
  const train = spirals({
    change: (sample) => {
      const { data } = sample.feeds.x!;
      const x = { dtype: "float32" as const, dims: [1, 2], data: (data as Float32Array).map((value) => value + by) };
      return { ...sample, feeds: { x } };
    },
  });
  return { ...train, split: (part) => (part === "train" ? train : held) };
};
const context = (by: number) => ({ ...stepContext(), data: moved(by) });

test("wrong statistics are replaced, right ones stay where the data for new ones is other than the held-out part", async () => {
  const [right, wrong] = [network(0), network(5)];
  const better = await renewBatchNorm(wrong, { samples: 96, finetune: undefined }, context(0));
  for (const value of await means(better.model)) expect(Math.abs(value)).toBeLessThan(0.2);
  expect(better.notes.map(({ code }) => code)).toEqual(["batch-norm-new", "batch-norm-better"]);
  const kept = await renewBatchNorm(right, { samples: 96, finetune: undefined }, context(5));
  expect(kept.model).toBe(right);
  expect(kept.notes).toMatchObject([{ code: "batch-norm-kept", text: expect.stringContaining("held-out loss") }]);
});

test("without labels there is nothing to judge by: the new ones are taken", async () => {
  const { data, ...rest } = context(5);
  const blind = { ...rest, data: { ...data, labelled: false } };
  const { model } = await renewBatchNorm(network(0), { samples: 96, finetune: undefined }, blind);
  for (const value of await means(model)) expect(value).toBeGreaterThan(4);
});

test("statistics that training leaves alone are renewed before it, others after it, none when 0 samples are asked for", async () => {
  const codes = async (bn: "train" | "frozen" | "fold", batchNormSamples: number) => {
    const finetune = finetuneOptions.parse({ batch: 16, steps: 2, bn });
    const { notes } = await recover(network(5), { finetune, masked: false, batchNormSamples }, context(0));
    return notes.map(({ code }) => code).filter((code) => code === "batch-norm-new" || code === "trained");
  };
  expect(await codes("frozen", 96)).toEqual(["batch-norm-new", "trained"]);
  expect(await codes("train", 96)).toEqual(["trained", "batch-norm-new"]);
  expect(await codes("frozen", 0)).toEqual(["trained"]);
});
