// What all scores have in common to choose: normalisation, and how much data is looked at.

import { z } from "zod";
import type { Group } from "../group/group.js";
import { normalisations } from "./normalisations.js";
import { reductions } from "./reductions.js";

export const scoreOptions = z.object({
  normalise: z
    .enum(normalisations.names as [string, ...string[]])
    .optional()
    .describe(
      `What the scores of each layer are divided by, so that layers can be compared: ${normalisations.names.join(", ")}. Default: none; for channels mean`,
    ),
  reduction: z
    .enum(reductions.names as [string, ...string[]])
    .default("mean")
    .describe(
      `How the scores that a channel has in each weight of its group become one: ${reductions.names.join(", ")}`,
    ),
  scoreSamples: z
    .int()
    .min(1)
    .default(512)
    .describe("Samples that scores of data look at: of the calibrate part, and of the train part for gradients"),
  scoreBatch: z
    .int()
    .min(1)
    .max(65_536)
    .default(16)
    .describe("Samples of one gradient. Squares (fisher) are of the gradient of a batch: 1 for those of each sample"),
  scoreLoss: z
    .string()
    .optional()
    .describe("Loss that gradients are of, as finetune names it. Default: by the labels and by how the model ends"),
});

/** `seed` and `groups` are the caller's: groups that are named are observed together, in one run over the data. */
export type ScoreOptions = Partial<z.output<typeof scoreOptions>> & {
  readonly seed?: number | undefined;
  readonly groups?: readonly Group[] | undefined;
};
