// Blocks taken out of real networks: the result is the network whose blocks add zero, made apart from the code that finds them.

import { describe, expect, test } from "vitest";
import { synthetic } from "../../src/data/synthetic.js";
import { makeNode } from "../../src/ir/build.js";
import { label, type Model } from "../../src/ir/model.js";
import { removeLayers } from "../../src/prune/depth/remove-layers.js";
import { float32 } from "../../src/tensor/tensor.js";
import { loadBytes } from "../support/engine.js";
import { portfolioModels } from "../support/portfolio.js";
import { keyOf } from "../support/portfolio-data.js";
import { expectSameResults } from "../support/same-results.js";
import { stepContext } from "../support/step-context.js";

/** The input of each addition that is the branch: the second in transformers, the first in the ResNets. */
function silenced(model: Model, names: readonly string[], branch: 0 | 1): Model {
  const nodes = model.graph.nodes.flatMap((node) => {
    if (!names.includes(label(node))) return [node];
    const inputs = node.inputs.map((name, at) => (at === branch ? `${name}.silent` : name));
    return [makeNode("Mul", [node.inputs[branch]!, "nothing"], [`${node.inputs[branch]}.silent`]), { ...node, inputs }];
  });
  const initializers = new Map([...model.graph.initializers, ["nothing", float32([], [0])] as const]);
  return { ...model, graph: { ...model.graph, nodes, initializers } };
}

/** Blocks of each, blocks that stay, and which input of an addition is the branch. */
const MODELS: Readonly<Record<string, { blocks: number; kept: number; branch: 0 | 1 }>> = {
  "cifar-resnet20": { blocks: 7, kept: 2, branch: 0 },
  "cifar-resnet8": { blocks: 1, kept: 2, branch: 1 },
  "agnews-transformer": { blocks: 6, kept: 0, branch: 1 },
  stories260k: { blocks: 10, kept: 0, branch: 1 },
};
const paths = portfolioModels().filter((path) => keyOf(path) in MODELS);

describe.skipIf(paths.length === 0)("whole blocks", () => {
  test.each(paths.map((path) => [keyOf(path), path] as const))("%s", async (key, path) => {
    const model = await loadBytes(path);
    const { blocks, kept, branch } = MODELS[key]!;
    const feeds = [];
    for await (const sample of synthetic(model).samples({ limit: 2 })) feeds.push(sample.feeds);
    for (const [score, share] of [
      ["random", 0.3],
      ["influence", 0.5],
      ["weights", 1],
    ] as const) {
      const goal = { measure: "blocks", share } as const;
      const { model: result, table } = await removeLayers(model, { goal, score }, stepContext(feeds));
      const gone = table.filter(({ removed }) => removed).map(({ name }) => name);
      expect([score, gone.length]).toEqual([score, Math.floor(share * blocks)]);
      expect(table.filter(({ reason }) => reason !== undefined).length).toBe(kept);
      expect(result.graph.initializers.size < model.graph.initializers.size).toBe(gone.length > 0);
      await expectSameResults(silenced(model, gone, branch), result, feeds[0]!, 1e-6);
    }
  });
});
