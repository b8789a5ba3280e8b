// A quantization that is simulated while a model is trained: what the evaluation graph of the training gives, beside the export.

import type { Model } from "../../src/ir/model.js";
import { quantizeOptions } from "../../src/quantize/schema.js";
import { chooseScheme } from "../../src/quantize/schemes/index.js";
import { type Simulation, simulate, simulateOptions } from "../../src/quantize/simulate/index.js";
import type { StepContext } from "../../src/step/step.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import { buildStep, type StepGraph } from "../../src/train/step.js";
import { services } from "./services.js";
import { outputsOf } from "./static-quantize.js";

export function simulationOf(
  model: Model,
  quantize: Record<string, unknown>,
  options: Record<string, unknown>,
  context: StepContext,
): Promise<Simulation> {
  const chosen = chooseScheme(quantizeOptions.parse(quantize), context.target);
  return simulate(model, chosen, simulateOptions.parse(options), context);
}

/** One step of a training with the simulation, for inputs like `feeds`. */
export async function simulatedStep(
  simulation: Simulation,
  model: Model,
  feeds: Feeds,
  context: StepContext,
): Promise<StepGraph> {
  const prepared = await prepare(model, { feeds }, services);
  const { weights } = prepared;
  const attached = await simulation.attach({ prepared, weights, samples: context.data, context, seed: 0 });
  const term = {
    name: "size",
    weight: 1,
    reads: prepared.heads.map(({ logits }) => logits),
    write: ({ emit, value }: { emit: import("../../src/train/emitter.js").Emitter; value(name: string): string }) => {
      const logits = value(prepared.heads[0]!.logits);
      return { sums: emit.reduceSquares(logits, [...emit.dims(logits).keys()].slice(1), false) };
    },
  };
  return buildStep(prepared, {
    losses: [],
    optimizer: { name: "sgd", momentum: 0 },
    attached: { ...attached, terms: [term] },
  });
}

/** What the evaluation graph gives for a trained model. */
export async function simulatedOutputs(
  simulation: Simulation,
  model: Model,
  extra: ReadonlyMap<string, Value>,
  feeds: Feeds,
  context: StepContext,
): Promise<Record<string, Value>> {
  const { evaluation, batch } = await simulatedStep(simulation, model, feeds, context);
  const initializers = new Map(evaluation.graph.initializers);
  for (const [name, { dims, data }] of extra) initializers.set(name, float32(dims, data as Float32Array));
  const weights = { dtype: "float32", dims: [batch], data: new Float32Array(batch).fill(1) } as const;
  const own = Object.fromEntries(
    evaluation.graph.inputs.flatMap(({ name }) => (feeds[name] ? [[name, feeds[name]!]] : [])),
  );
  const all = await outputsOf(
    { ...evaluation, graph: { ...evaluation.graph, initializers } },
    { ...own, "pare.sample_weight": weights },
    // As the export is run: convolutions in another order of sums would round to a neighbour here and there.
    { simulated: true },
  );
  return Object.fromEntries(model.graph.outputs.map(({ name }) => [name, all[name]!]));
}
