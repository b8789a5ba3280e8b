// Cross-layer equalisation: positive scales move between layers, so that no channel is much wider than the others.

import { info, type Note } from "../../base/note.js";
import type { Dataset } from "../../data/dataset.js";
import { observe } from "../../engine/observe.js";
import { label, type Model } from "../../ir/model.js";
import { foldBatchNorm } from "../../passes/fold-batch-norm.js";
import { prepare } from "../prepare.js";
import { rescaled } from "./channels/rescale.js";
import { solveScales } from "./channels/solve.js";
import { type Trace, trace } from "./channels/trace.js";
import { defineRepair, floatsObstacle, type Given, type Repaired } from "./repair.js";

export const equalize = defineRepair({
  name: "equalize",
  summary: "Channels are scaled between layers until none is much wider than the others; the model computes the same",
  reference: "https://arxiv.org/abs/1906.04721",
  stage: "before",
  obstacle: floatsObstacle,
  byDefault: () => false,
  apply,
});

async function apply({ model: given, context }: Given): Promise<Repaired> {
  const folded = await foldBatchNorm.apply(await prepare(given), context);
  const { model } = folded;
  const traced = await channelsOf(model, context);
  const scales = await solveScales(traced.classes, traced.layers, undefined, context.signal);
  const { graph, touched } = await rescaled(model.graph, traced, scales);
  const notes = leftOut(traced);
  if (touched.length === 0) {
    return { model: given, notes: [info("nothing-equalized", "No channels between layers can be scaled."), ...notes] };
  }
  const widest = [...scales.values()].reduce((most, scale) => Math.max(most, scale, 1 / scale), 1);
  const text = `Channels of ${scales.size} kinds between ${touched.length} layers are scaled by up to ${widest.toPrecision(3)}.`;
  return { model: { ...model, graph }, notes: [...folded.notes, info("equalized", text), ...notes] };
}

async function channelsOf(model: Model, context: Given["context"]): Promise<Trace> {
  const feeds = await firstSample(context.data.split("calibrate"));
  const { values } = await observe(model, { dims: context.dims, ...(feeds && { feeds }) }, context);
  return trace(model.graph, (name) => values.get(name)?.dims);
}

async function firstSample(data: Dataset) {
  for await (const { feeds } of data.samples({ limit: 1 })) return feeds;
  return undefined;
}

/** Why layers keep what they write as it is, each reason once. */
function leftOut({ classes, layers }: Trace): Note[] {
  const byReason = new Map<string, string[]>();
  for (const { layer, writes } of layers) {
    const reasons = new Set(writes.map((id) => classes.reason(id)));
    if (reasons.has(undefined)) continue;
    for (const reason of reasons) byReason.set(reason!, [...(byReason.get(reason!) ?? []), label(layer.node)]);
  }
  return [...byReason].map(([reason, layers]) => {
    const [first = ""] = layers;
    const more = layers.length > 1 ? ` (and of ${layers.length - 1} more layers)` : "";
    return info("not-equalized", `The scale of what it writes${more} stays: ${reason}.`, first);
  });
}
