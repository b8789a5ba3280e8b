// Multiply-accumulates that each weight takes part in, at the shapes of the first sample.

import { observe } from "../../engine/observe.js";
import type { Model } from "../../ir/model.js";
import { workOf } from "../../metrics/work.js";
import type { StepContext } from "../../step/step.js";
import { matrixUses, type Weight } from "../../weights/weights.js";

/** By weight, in the main graph; weights of branches, loops and functions are not in it. Throws what the runtime refuses. */
export async function weightMacs(
  model: Model,
  weights: readonly Weight[],
  context: StepContext,
): Promise<ReadonlyMap<Weight, number>> {
  const { values } = await observe(model, { dims: context.dims, ...(await firstFeeds(context)) }, context);
  const { byNode } = workOf(model, values);
  // A recurrent layer has two matrices: its work is shared by their sizes.
  const sizes = new Map<object, number>();
  for (const weight of weights) {
    for (const { node } of matrixUses(weight)) sizes.set(node, (sizes.get(node) ?? 0) + weight.elements);
  }
  return new Map(
    weights.map((weight) => [
      weight,
      matrixUses(weight).reduce(
        (sum, { node }) => sum + ((byNode.get(node) ?? 0) * weight.elements) / sizes.get(node)!,
        0,
      ),
    ]),
  );
}

async function firstFeeds({ data }: StepContext) {
  for await (const { feeds } of data.samples({ limit: 1 })) return { feeds };
  return {};
}
