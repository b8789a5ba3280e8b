// Cross-layer equalisation: positive scales move between layers, so that no channel is much wider than the others.

import { info, type Note } from "../../base/note.js";
import type { Dataset } from "../../data/dataset.js";
import { observe } from "../../engine/observe.js";
import { label, type Model } from "../../ir/model.js";
import { passes } from "../../passes/index.js";
import { channelStatistics } from "../../statistics/channel-statistics.js";
import { prepare } from "../prepare.js";
import { rescaled } from "./channels/rescale.js";
import { solveScales } from "./channels/solve.js";
import { type Trace, trace } from "./channels/trace.js";
import { defineRepair, floatsObstacle, type Given, isStatic, type Repaired } from "./repair.js";

export const equalize = defineRepair({
  name: "equalize",
  summary: "Channels are scaled between layers until none is much wider than the others; the model computes the same",
  reference: "https://arxiv.org/abs/1906.04721",
  stage: "before",
  obstacle: floatsObstacle,
  // Measured: a DS-CNN gains 10 dB, a MobileNet loses 2 by itself and gains 1 with bias correction; other networks are left as
  // they are (`apply` looks).
  byDefault: isStatic,
  apply,
});

async function apply({ model: given, settings, context }: Given): Promise<Repaired> {
  const folded = await passes.get("fold-batch-norm").apply(await prepare(given), context);
  const { model } = folded;
  const traced = await channelsOf(model, context);
  if (settings.repair === undefined) {
    const why = context.data.synthetic
      ? "made-up data says nothing of the ranges of channels"
      : traced.layers.some(({ layer }) => layer.depthwise)
        ? undefined
        : "the model has no depthwise layers";
    if (why)
      return {
        model: given,
        notes: [info("not-equalized", `Channels keep their scale: ${why}. State repair equalize to try.`)],
      };
  }
  // One scale for each output channel makes the rows that write a channel free to scale: then what is rounded with one scale for
  // all, the value between the layers, is what has to be made even.
  const width =
    isStatic(settings) && settings.granularity !== "tensor" ? await widths(model, traced, context) : undefined;
  const share = width ? ACTIVATION_SHARE : 0.5;
  const scales = await solveScales(traced.classes, traced.layers, { share, ...(width && { width }) }, context.signal);
  const { graph, touched } = await rescaled(model.graph, traced, scales);
  const notes = leftOut(traced);
  if (touched.length === 0) {
    return { model: given, notes: [info("nothing-equalized", "No channels between layers can be scaled."), ...notes] };
  }
  const widest = [...scales.values()].reduce((most, scale) => Math.max(most, scale, 1 / scale), 1);
  const text = `Channels of ${scales.size} kinds between ${touched.length} layers are scaled by up to ${widest.toPrecision(3)}.`;
  return { model: { ...model, graph }, notes: [...folded.notes, info("equalized", text), ...notes] };
}

/** The largest magnitude that each channel has where it is rounded: as a layer, a sum or a join takes it. */
async function widths(model: Model, { classes, values }: Trace, context: Given["context"]) {
  const rounded = new Set<string>();
  for (const { opType, inputs } of model.graph.nodes) {
    if (!ROUNDED.has(opType)) continue;
    for (const name of inputs) if (values.has(name)) rounded.add(name);
  }
  const wanted = [...rounded].map((name) => ({ name, axis: values.get(name)!.axis }));
  const found = await channelStatistics(model, wanted, context, { samples: SAMPLES });
  const largest = new Float64Array(classes.size);
  for (const [name, { absmax }] of found) {
    const { ids } = values.get(name)!;
    const each = absmax.length / ids.length;
    for (const [at, width] of absmax.entries()) {
      const channel = classes.find(ids[Math.floor(at / each)]!);
      largest[channel] = Math.max(largest[channel]!, width);
    }
  }
  return (channel: number) => largest[channel]!;
}

const SAMPLES = 32;
/** How much of the unevenness of values moves into the weights that read them: of 0.5, 0.75 and 1 best for a DS-CNN and a ResNet-20, 1 for a MobileNet. */
const ACTIVATION_SHARE = 0.75;
const ROUNDED: ReadonlySet<string> = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul", "Add", "Concat"]);

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
