// Masks under a schedule: each step writes zeros into what the last one left.

import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { distanceFrom } from "../distance.js";
import type { Pruner } from "../pruner.js";
import type { PruneRow } from "../table.js";
import { type MaskOptions, pruneMasks } from "./masks.js";

/** `several`: there is more than one step. */
export function maskPruner(original: Model, options: MaskOptions, several: boolean, context: StepContext): Pruner {
  const distance = distanceFrom(original, context);
  const { share } = options.goal;
  let table: readonly PruneRow[] = [];
  return {
    share,
    masked: true,
    async step(model, wanted) {
      const done = await pruneMasks(model, options, { progress: wanted / share, several, distance }, context);
      table = done.table;
      return done;
    },
    earlier: async (model) => model,
    outcome: () => ({ table, notes: table.some(({ ratio }) => ratio > 0) ? [noFaster(options)] : [] }),
  };
}

/** What zeros are good for, and what would make the model faster. */
export function noFaster({ structure: { method } }: MaskOptions): Note {
  const text =
    method.name === "n-m"
      ? "Runtimes on CPUs and in browsers multiply by zeros as by other numbers; engines with sparse units (TensorRT) may be faster."
      : "Runtimes multiply by zeros as by other numbers: the model is no faster.";
  const store =
    'The step { method: "quantize", weights: "float32", sparse: "auto" } behind this one stores them in fewer bytes.';
  return info("zeros-no-faster", `${text} ${store} Structure channel makes models faster.`);
}
