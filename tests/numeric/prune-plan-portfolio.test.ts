// A plan of a real network, carried out on other weights of the same architecture, and on another architecture.

import { join } from "node:path";
import { expect, test } from "vitest";
import type { Model } from "../../src/ir/model.js";
import { load } from "../../src/load.js";
import { floats } from "../../src/prune/scores/layers.js";
import { prune } from "../../src/prune.js";
import { float32 } from "../../src/tensor/tensor.js";
import { portfolio } from "../support/portfolio.js";

/** The same architecture with every weight's numbers in the reverse order. */
async function turned(model: Model): Promise<Model> {
  const initializers = new Map(model.graph.initializers);
  for (const [name, tensor] of initializers) {
    if (tensor.sparse || tensor.dtype !== "float32") continue;
    initializers.set(name, float32(tensor.dims, Float32Array.from(await floats(name, tensor)).reverse()));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

test.skipIf(portfolio() === undefined)("ResNet-20's plan", { timeout: 30_000 }, async () => {
  const file = (name: string) => load(join(portfolio()!, "models", name));
  const model = await file("cifar-resnet20.onnx");
  const { plan, macs } = await prune(model, { structure: "channel", macs: "40%", score: "l2", roundTo: 1 });
  expect(macs!.after).toBeLessThanOrEqual(0.6 * macs!.before);
  expect(macs!.after).toBeGreaterThan(0.59 * macs!.before);

  const other = await prune(await turned(model), { plan });
  expect(other.macs).toEqual(macs);
  expect(other.plan).toEqual(plan);
  await expect(prune(await file("cifar-resnet8.onnx"), { plan })).rejects.toMatchObject({
    code: "plan-unfit",
    node: plan!.groups[0]!.name,
  });
});
