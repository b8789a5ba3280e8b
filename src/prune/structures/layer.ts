// Whole residual blocks.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { parseAmount } from "../channels/amount.js";
import { BLOCK_SCORES, BLOCK_UNITS, type LayerOptions, removeLayers } from "../depth/remove-layers.js";
import { defineStructure, type GraphRequest } from "./structure.js";

const options = z.object({
  unit: z
    .enum(BLOCK_UNITS)
    .default("block")
    .describe("What goes as one: block (one residual sum), layer (attention and the feed-forward blocks behind it)"),
  by: z
    .enum(BLOCK_SCORES)
    .default("influence")
    .describe(
      "What is important: influence (1 - mean cosine of what comes in and goes out, on data), output (how far the model's outputs move without it, on data), weights (size of its last weights), random",
    ),
  count: z.int().min(1).optional().describe("How many go, in place of ratio"),
  samples: z.int().min(1).default(32).describe("Samples that influence and output look at"),
});

export const layer = defineStructure({
  name: "layer",
  summary: "Whole residual blocks: y = x + f(x) becomes y = x (attention and feed-forward blocks, blocks of ResNets)",
  reference: "https://arxiv.org/abs/2403.03853",
  options,
  kind: "graph",
  async remove(model, { goal, keep, only }, given, context) {
    const { unit, by, count, samples } = options.parse(given);
    const wanted = count === undefined ? goalOf(goal) : { count };
    const settings = { unit, score: by, goal: wanted, keep, only, samples };
    const { table, ...result } = await removeLayers(model, settings, context);
    const rows = table.map(({ name, removed, macs, bytes, elements, reason }) => {
      const change = (before: number) => ({ before, after: removed ? 0 : before });
      const sizes = { elements: change(elements), bytes: change(bytes), macs: change(macs) };
      return { name, ...sizes, ratio: removed ? 1 : 0, ...(reason !== undefined && { reason }) };
    });
    return { ...result, table: rows };
  },
});

function goalOf({ measure, amount }: GraphRequest["goal"]): LayerOptions["goal"] {
  if (measure === "ratio") return { measure: "blocks", share: Number(amount) };
  if (measure !== "latency") return { measure, ...parseAmount(measure, amount) };
  throw invalid("prune-options", "Structure layer has no goal of latency.", {
    hint: "State ratio, macs or bytes, or a count of blocks.",
  });
}
