// The forward pass as it is when used, with the losses: what held-out data is judged by while a model is trained.

import type { Model } from "../ir/model.js";
import type { Attached } from "./attached.js";
import { constrained } from "./constraint.js";
import type { Prepared, TrainableWeight } from "./prepared.js";
import type { WriteSite } from "./rewrite.js";
import { writeForward } from "./step-forward.js";
import { type ChosenLoss, writeLosses } from "./step-losses.js";
import { StepWriter } from "./step-writer.js";

export const SAMPLE_WEIGHT = "pare.sample_weight";

/** Inputs as those of the step without state and scalars; outputs: the user's, "loss" and "per_sample_loss". */
export function evaluationModel(
  prepared: Prepared,
  chosen: readonly ChosenLoss[],
  weights: readonly TrainableWeight[],
  { constraints = [], rewrites = [], terms = [], inputs = [] }: Attached,
): Model {
  const writer = new StepWriter(prepared, new Set(weights.map(({ name }) => name)));
  const { emit } = writer;
  for (const name of prepared.inputs) writer.feed(name);
  for (const { labels } of chosen) if (labels) writer.data(labels.input, labels.shape);
  for (const { name, shape } of inputs) writer.data(name, shape);
  writer.data(SAMPLE_WEIGHT, { dtype: "float32", dims: [prepared.batch] });
  const trained = new Set(weights.map(({ name }) => name));
  const site: WriteSite = {
    emit,
    weight: (name) => (trained.has(name) ? name : undefined),
    progress: () => emit.number(1),
    training: false,
  };
  const names = new Map(weights.map((weight) => [weight.name, constrained(site, constraints, weight, weight.name)]));
  const forward = writeForward(emit, prepared, names, { statistics: [], dropout: {}, rewrites, site });
  for (const { name } of prepared.model.graph.outputs) writer.output(name);
  const on = { emit, value: forward.value, weights: SAMPLE_WEIGHT, batch: prepared.batch };
  const losses = writeLosses(on, chosen, terms, site);
  writer.result("loss", losses.loss);
  writer.result("per_sample_loss", losses.perSample);
  return writer.model().model;
}
