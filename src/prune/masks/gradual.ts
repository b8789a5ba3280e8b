// Zeros written while the weights are trained: the masks of a share, asked for again and again with the weights of the moment.

import { invalid } from "../../base/errors.js";
import type { Initializer, Model } from "../../ir/model.js";
import { floats } from "../../kernels/numbers.js";
import type { StepContext } from "../../step/step.js";
import { toFloat16 } from "../../tensor/float16.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import { prepare } from "../../weights/prepare.js";
import { distanceFrom } from "../distance.js";
import { type Gradual, type GradualWeight, pruneGradually } from "../recover/gradual.js";
import type { Recovered, RecoveryRun } from "../recover/recover.js";
import { type Masked, type MaskOptions, pruneMasks } from "./masks.js";

type GradualMasks = Pick<Gradual, "finetune" | "schedule" | "every" | "begin" | "end" | "batchNormSamples">;

/** Throws what `pruneMasks` and `pruneGradually` throw. */
export async function pruneMasksGradually(
  given: Model,
  options: MaskOptions,
  gradual: GradualMasks,
  context: StepContext,
  run: RecoveryRun = {},
): Promise<Recovered & Pick<Masked, "table">> {
  const model = await prepare(given);
  const distance = distanceFrom(model, context);
  const masked = (now: Model, progress: number) =>
    pruneMasks(now, options, { progress, several: true, distance }, context);
  // Which weights take part depends on the graph, not on their numbers.
  let { table, notes } = await masked(model, 1);
  const weights = table.flatMap(({ name, reason }) => (reason === undefined ? [name] : []));
  if (weights.length === 0) {
    throw invalid("nothing-to-prune", "The model has no weights that zeros can be written into.", {
      found: notes[0]?.text,
    });
  }
  const { share: goal } = options.goal;
  const done = await pruneGradually(
    model,
    {
      ...gradual,
      goal,
      weights,
      settings: { structure: options.structure.method.name, score: options.score.method.name, ...options.goal },
      async prune(values, share) {
        const result = await masked(withValues(model, values), share / goal);
        ({ table, notes } = result);
        const changed = new Map<string, Float32Array>();
        for (const name of values.keys()) changed.set(name, await numbers(result.model, name));
        return changed;
      },
    },
    context,
    run,
  );
  return { ...done, notes: [...notes, ...done.notes], table };
}

function withValues(model: Model, values: ReadonlyMap<string, GradualWeight>): Model {
  const initializers = new Map<string, Initializer>(model.graph.initializers);
  for (const [name, { dims, values: data }] of values) {
    const half = initializers.get(name)?.dtype === "float16";
    initializers.set(name, half ? tensor("float16", dims, toFloat16(data)) : tensor("float32", dims, data));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

async function numbers(model: Model, name: string): Promise<Float32Array> {
  const { data, dtype } = model.graph.initializers.get(name) as Tensor;
  return floats((await data.read()).slice(), dtype === "float16" ? "float16" : "float32");
}
