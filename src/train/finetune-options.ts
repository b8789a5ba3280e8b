// The options of the finetune step: one closed object. What they come to for a model and its data, `finetune-plan.ts` says.
// Long because it is the description of every option, read as help and as documentation.

import { z } from "zod";
import type { Method, Registry } from "../base/registry.js";
import { augmentInput } from "../data/index.js";
import { INITS } from "./init.js";
import { losses } from "./losses/index.js";
import { optimizers } from "./optimizers/index.js";
import { schedules } from "./schedules/index.js";
import { teacherOptions } from "./teacher/options.js";

interface WithOptions extends Method {
  readonly options: z.ZodObject;
}

const namesOf = ({ names }: Registry<WithOptions>) => names as unknown as [string, ...string[]];

/** A method by its name, or as an object with its options beside: `{ "name": "sgd", "momentum": 0.9 }`. */
function choice(list: Registry<WithOptions>, key: string, more: Readonly<Record<string, z.ZodType>> = {}) {
  const [first, ...others] = list.list.map(({ name, options }) =>
    options.extend({ [key]: z.literal(name), ...more }).strict(),
  );
  return { name: z.enum(namesOf(list)), object: z.discriminatedUnion(key, [first!, ...others]) };
}

const optimizer = choice(optimizers, "name");
const schedule = choice(schedules, "name");
const loss = choice(losses, "loss", {
  output: z.string().optional().describe("Output of the model that it is on. Default: the first of floats"),
  weight: z.number().positive().optional().describe("Its factor in the sum of losses"),
});

const PATTERNS = 'names of weights or nodes, globs ("classifier*") or regular expressions ("/conv[12]/")';
const rate = z.number().min(0).lt(1);

export const finetuneOptions = z.object({
  epochs: z
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe("Times that every sample is seen. Default: 3, or as `steps` says"),
  steps: z.int().min(1).optional().describe("Updates in all, in place of epochs"),
  batch: z.int().min(1).max(65_536).default(32).describe("Samples of one batch"),
  lr: z
    .number()
    .positive()
    .optional()
    .describe("Learning rate. Default: a tenth of what is usual for the optimizer; with `init` the usual"),
  optimizer: z
    .union([optimizer.name, optimizer.object])
    .default("adamw")
    .describe(`How weights follow their gradients: ${optimizers.names.join(", ")}; or an object with its options`),
  weightDecay: z
    .number()
    .min(0)
    .optional()
    .describe(
      "Pulls weights towards zero, vectors (biases, scales) excepted. Default: 0.01 for adamw and lion, else 0",
    ),
  groups: z
    .array(
      z.strictObject({
        pattern: z.string().describe(PATTERNS),
        lr: z.number().min(0).optional().describe("Factor of the learning rate"),
        weightDecay: z.number().min(0).optional().describe("Weight decay of these weights"),
      }),
    )
    .optional()
    .describe("Weights that learn otherwise: a pattern with a factor of the learning rate, or a decay of their own"),
  schedule: z
    .union([schedule.name, schedule.object])
    .default("cosine")
    .describe(`How the learning rate goes: ${schedules.names.join(", ")}; or an object with its options`),
  warmup: z
    .number()
    .min(0)
    .default(0)
    .describe("Updates in which the learning rate rises from 0, or their share of all when below 1"),
  loss: z
    .union([loss.name, loss.object, z.array(z.union([loss.name, loss.object])).min(1)])
    .optional()
    .describe(
      `What is made small: ${losses.names.join(", ")}; an object with its options, output and weight, or a list of them. Default: by the labels and by how the model ends`,
    ),
  teacher: z
    .union([z.string(), teacherOptions])
    .optional()
    .describe(
      "Another model that the weights learn from: original (the model as the recipe was given it), a path, or an object { from, losses, ... } (docs/training.md). Without `loss`, labels are then not needed",
    ),
  labelSmoothing: rate.optional().describe("Loss cross-entropy: share of each label that is spread over all classes"),
  precision: z
    .enum(["float32", "float16", "bfloat16"])
    .default("float32")
    .describe("What layers compute in; weights, norms, softmax, loss and optimizer stay in float32"),
  lossScale: z
    .union([z.literal("dynamic"), z.number().positive()])
    .optional()
    .describe(
      "Factor of the loss while it is differentiated, so that small gradients survive low precision: a number, or dynamic, which halves after an overflow and grows again. Default: dynamic where the precision is low",
    ),
  train: z.array(z.string()).optional().describe(`Weights that are trained: ${PATTERNS}. Default: all`),
  freeze: z.array(z.string()).optional().describe(`Weights that stay as they are: ${PATTERNS}`),
  bn: z
    .enum(["train", "frozen", "fold"])
    .optional()
    .describe(
      "Batch normalisation. train: by the statistics of the batch, the running ones follow; frozen: by the running ones; fold: joined with the layer before it. Default: train from a batch of 16 and 1000 samples on, and with init, else frozen",
    ),
  dropout: z
    .union([z.string(), z.record(z.string(), rate)])
    .optional()
    .describe('Values set to zero at random behind nodes, by pattern and rate: "fc1=0.5,fc2=0.2", or an object'),
  clip: z.number().positive().optional().describe("Largest norm of the whole gradient; a larger one is scaled down"),
  clipValue: z.number().positive().optional().describe("Largest magnitude of an element of the gradient"),
  accumulate: z.int().min(1).default(1).describe("Batches of one update: their gradients are averaged"),
  average: rate
    .optional()
    .describe("Keeps a moving average of the weights, with this share of the old at every update, and saves that"),
  evaluateEvery: z
    .int()
    .min(1)
    .optional()
    .describe("Updates between two looks at the held-out part. Default: an epoch"),
  patience: z
    .int()
    .min(1)
    .optional()
    .describe("Stops when so many looks at the held-out part in a row brought nothing better"),
  minDelta: z.number().min(0).default(0).describe("What counts as better for `patience`: more than this"),
  lastBatch: z
    .enum(["drop", "pad"])
    .optional()
    .describe(
      "The samples that do not fill a batch. pad: filled up with some of weight 0; drop: left out of this epoch. Default: pad, but fewer samples than one batch are refused",
    ),
  augment: augmentInput
    .optional()
    .describe('Changes to the training samples, in place of those of the dataset: "crop=4,flip", or "none"'),
  keepZeros: z.boolean().default(false).describe("Weights that are zero stay zero: a pruned model stays sparse"),
  init: z
    .enum(INITS)
    .optional()
    .describe("Draws all weights that are trained anew first: training from the graph alone"),
  recompute: z
    .union([z.boolean(), z.int().min(2), z.array(z.string())])
    .default(false)
    .describe(
      "Drops activations and computes them again for the gradient, for memory: true, in how many segments, or patterns of nodes that may be computed again",
    ),
  seed: z.int().min(0).optional().describe("Seed of order, augmentation, dropout and init. Default: --seed, else 0"),
});

export type FinetuneOptions = z.output<typeof finetuneOptions>;
