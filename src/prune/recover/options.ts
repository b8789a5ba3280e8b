// What the prune step is told of recovery: options beside those of structure, score and scope.

import { z } from "zod";
import { finetuneOptions } from "../../train/finetune-options.js";
import { pruningSchedules } from "../schedules/index.js";

export const RECOVERED_WEIGHTS = ["keep", "rewind", "reinit"] as const;
export type RecoveredWeights = (typeof RECOVERED_WEIGHTS)[number];

const place = z.number().min(0);

export const gradualOptions = z.strictObject({
  schedule: z
    .enum(pruningSchedules.names as unknown as [string, ...string[]])
    .default("cubic")
    .describe("How the share grows between the first and the last update"),
  every: z.int().min(1).default(100).describe("Updates between two prunings"),
  begin: place.default(0).describe("From where on: a share of the updates up to 1, or their number"),
  end: place.default(0.75).describe("Where the goal is reached: a share of the updates up to 1, or their number"),
});

export const recoveryOptions = z.object({
  finetune: finetuneOptions
    .strict()
    .optional()
    .describe(
      "Training of what is left, after every step: the options of the step finetune. Zeros stay zero. Default: none",
    ),
  weights: z
    .enum(RECOVERED_WEIGHTS)
    .default("keep")
    .describe(
      "Where fine-tuning starts: keep (the weights that are left), rewind (their values in an earlier model), reinit (fresh draws)",
    ),
  earlier: z
    .string()
    .optional()
    .describe("Model that `weights` rewind go back to: a path or URL, of the same tensors as the given one"),
  recovered: z
    .number()
    .min(0)
    .optional()
    .describe(
      "Ends fine-tuning as soon as the metric on the held-out part is within this of the original's, in the metric's own unit (top-1: 0.01 is one point)",
    ),
  batchNormSamples: z
    .int()
    .min(0)
    .default(12_800)
    .describe("Samples by which running statistics of batch normalisation are estimated anew; 0: they stay"),
});
