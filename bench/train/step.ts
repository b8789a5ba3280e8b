// The step graph of a subject, and what it is fed.

import type { EngineServices } from "../../src/engine/session.js";
import type { Model } from "../../src/ir/model.js";
import type { Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import { probeBlock } from "../../src/train/probe-block.js";
import { buildStep, type StepGraph } from "../../src/train/step.js";
import type { SampleReader } from "./data.js";

export interface OpenRequest {
  readonly do: "open";
  readonly model: string;
  readonly data: string;
  readonly threads: number;
  readonly batch: number;
  readonly lr: number;
  readonly momentum: number;
  readonly training: boolean;
  readonly recompute?: boolean;
}

export interface Built {
  readonly step: StepGraph;
  feeds(batch: ReturnType<SampleReader["batch"]>, step: number): Record<string, Value>;
  /** By the user's name of the weight, from the state after the first step. */
  gradients(state: Readonly<Record<string, Value>>): Map<string, Value>;
}

export async function built(
  model: Model,
  request: OpenRequest,
  data: SampleReader,
  services: EngineServices,
): Promise<Built> {
  const { batch, lr, momentum, training } = request;
  const prepared = await prepare(model, { feeds: data.batch(0, batch).feeds }, services);
  const step = buildStep(prepared, {
    losses: [{ loss: "cross-entropy" }],
    optimizer: { name: "sgd", momentum },
    bn: training ? "train" : "frozen",
    // As finetune does: the plain layout where memory is what matters, and on both sides of that comparison.
    block: request.recompute === undefined ? await probeBlock(services) : 0,
    ...(request.recompute ? { recompute: {} } : {}),
  });
  return {
    step,
    feeds({ feeds, labels }, at) {
      const all: Record<string, Value> = { ...feeds };
      for (const { input, collate } of step.targets) all[input] = collate(labels);
      all["pare.sample_weight"] = { dtype: "float32", dims: [batch], data: new Float32Array(batch).fill(1) };
      const scalars = step.scalarsAt(at + 1, lr, { lossScale: 1, apply: true, fresh: true });
      for (const [name, value] of Object.entries(scalars)) {
        all[name] = { dtype: "float32", dims: [], data: Float32Array.of(value) };
      }
      return all;
    },
    gradients(state) {
      const weights = step.state.filter(({ kind }) => kind === "weight");
      const momenta = step.state.filter(({ kind }) => kind === "optimizer");
      // The momentum stands in blocks as the weights do: read as if it were they.
      const swapped = { ...state };
      weights.forEach(({ input }, index) => {
        swapped[input] = state[momenta[index]!.input]!;
      });
      const values = step.weights(swapped);
      return new Map(
        prepared.weights.flatMap(({ name, source }) =>
          values.has(name) ? [[source, values.get(name)!] as const] : [],
        ),
      );
    },
  };
}
