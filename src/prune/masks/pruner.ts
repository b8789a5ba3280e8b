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
    outcome: () => ({ table, notes: table.some(({ ratio }) => ratio > 0) ? zerosNotes(options) : [] }),
  };
}

/** What zeros are good for, and what would make the model faster. */
export function zerosNotes({ structure: { method } }: MaskOptions): readonly Note[] {
  const faster =
    method.name === "n-m"
      ? "Runtimes on CPUs and in browsers multiply by zeros as by other numbers; engines with sparse units (TensorRT) may be faster."
      : "Runtimes multiply by zeros as by other numbers: the model is no faster.";
  return [
    info("zeros-no-faster", `${faster} Structure channel makes models faster.`),
    info(
      "zeros-stored-dense",
      'Zeros take as many bytes as other numbers until they are stored sparse: add the step { method: "quantize", weights: "float32", sparse: "auto" }.',
    ),
  ];
}
