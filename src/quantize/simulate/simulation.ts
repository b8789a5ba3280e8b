// What training needs to know of a quantization: the model that is trained in place of the given one, what is rounded in it
// meanwhile, and how the trained one is exported by the same scheme with what was found.

import { z } from "zod";
import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepResult } from "../../step/step.js";
import type { Value } from "../../tensor/value.js";
import type { Attach } from "../../train/attached.js";

export const simulateOptions = z.strictObject({
  scales: z
    .enum(["learned", "fixed", "pact"])
    .default("learned")
    .describe(
      "Scales: learned (LSQ); fixed where calibration put them; pact: learned range of activations, fixed weights",
    ),
  offsets: z.boolean().default(false).describe("Zero points of activations are learned too (LSQ+)"),
  scaleRate: z.number().positive().default(1).describe("Factor of the learning rate for scales and zero points"),
  adaptive: z
    .boolean()
    .default(true)
    .describe("The optimizer makes steps of one size (adam): those of a scale are then in its own size"),
  clipDecay: z.number().nonnegative().default(0).describe("Weight decay of learned ranges (pact)"),
});

export type SimulateOptions = z.output<typeof simulateOptions>;

export interface Simulation {
  /** What is to be trained: with batch norm folded, in the form that the scheme plans for. */
  readonly model: Model;
  /** What is rounded while it is trained, and the weights that belong to it. */
  readonly attach: Attach;
  readonly notes: readonly Note[];
  /**
   * The trained model by the scheme. `extra`: what the training found of the attached weights, by name. Weight codes are those
   * that the last forward pass has read.
   */
  finish(trained: Model, extra: ReadonlyMap<string, Value>): Promise<StepResult>;
}
