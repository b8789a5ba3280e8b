// The options of the prune step: one closed object for every structure. What they come to, `settle.ts` says.

import { z } from "zod";
import type { Method, Registry } from "../base/registry.js";
import { PATTERNS } from "../weights/patterns.js";
import { induceField } from "./induce/options.js";
import { planSchema } from "./plan.js";
import { gradualOptions, recoveryOptions } from "./recover/options.js";
import { pruningSchedules } from "./schedules/index.js";
import { scopes } from "./scopes/index.js";
import { scores } from "./scores/index.js";
import { scoreOptions } from "./scores/options.js";
import { structures } from "./structures/index.js";

/** A method by its name, or as an object with its options beside: `{ "name": "block", "rows": 1, "columns": 16 }`. */
function choice(list: Registry<Method>) {
  const [first, ...others] = list.list.map(({ name, options }) =>
    (options ?? z.object({})).extend({ name: z.literal(name) }).strict(),
  );
  return {
    name: z.enum(list.names as unknown as [string, ...string[]]),
    object: z.discriminatedUnion("name", [first!, ...others]),
  };
}

const structure = choice(structures);
const score = choice(scores);
const scope = choice(scopes);

/** A share of the original that goes, or (of channels) what may be left of it. */
const amount = z.union([z.number().positive(), z.string()]).optional();

export const pruneOptions = z.object({
  structure: z
    .union([
      structure.name,
      z.string().regex(/^\d+[:x]\d+$/, "write 2:4 for two of every four, 4x4 for blocks"),
      structure.object,
    ])
    .default("unstructured")
    .describe(
      `What goes as one: ${structures.names.join(", ")}; 2:4 (two of every four stay), 4x4 (blocks of outputs x inputs), or an object with its options. Zeros make the file smaller, channels also make the model faster`,
    ),
  score: z
    .union([score.name, score.object])
    .default("l1")
    .describe(`What is important: ${scores.names.join(", ")}; or an object with its options`),
  scope: z
    .union([scope.name, scope.object])
    .default("global")
    .describe(`How the goal is shared among layers: ${scopes.names.join(", ")}; or an object with its options`),
  ratio: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .meta({ description: "Share of the weights (of channels: of their number) that goes. Default: 0.5", default: 0.5 }),
  macs: amount.describe(
    'In place of ratio: share of the multiply-accumulates that goes ("50%" or 0.5), or of channels how many may stay ("30M")',
  ),
  bytes: amount.describe(
    'In place of ratio, for channels: share of the bytes of the file that goes ("50%" or 0.5), or how many may stay ("1MB")',
  ),
  latency: amount.describe(
    'In place of ratio, for channels: share of the measured time of a run that goes ("50%" or 0.5), or what may be left ("5ms")',
  ),
  ...scoreOptions.shape,
  schedule: z
    .enum(pruningSchedules.names as unknown as [string, ...string[]])
    .optional()
    .describe(
      `How the share that is gone grows from step to step: ${pruningSchedules.names.join(", ")}. Default: one-shot, with steps cubic`,
    ),
  steps: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe(
      "Steps of the schedule: in each some goes, and what is left is scored (and fine-tuned) again. Default: 1",
    ),
  keep: z.array(z.string()).default([]).describe(`Layers of which nothing goes: ${PATTERNS}`),
  only: z
    .array(z.string())
    .default([])
    .describe(`Layers of which something may go, of all others nothing: ${PATTERNS}`),
  layers: z
    .record(z.string(), z.number().min(0).max(1))
    .default({})
    .describe(
      'Shares for layers by pattern, whatever the scope: { "conv1*": 0.3, "fc": 0 }. The last pattern that matches holds; 0 keeps',
    ),
  roundTo: z
    .union([z.int().min(1).max(1024), z.literal("auto")])
    .optional()
    .describe(
      "Channels are kept in multiples of this: 8 or 16 where kernels read so many at once, 1 for any count. Default: auto, 16 from 64 channels on, 8 from 16 on",
    ),
  maxRatio: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe("Largest share of the channels of one group that may go. Default: 1"),
  isomorphic: z
    .boolean()
    .optional()
    .describe(
      "Groups of channels that are built alike are ranked among themselves, not with all others. Default: false",
    ),
  plan: planSchema
    .optional()
    .describe(
      "A plan to carry out: the same channels go as in the model that it was saved from, whatever the weights are",
    ),
  ...recoveryOptions.shape,
  induce: induceField,
  gradual: gradualOptions
    .optional()
    .describe(
      "Zeros are written while the weights are trained (finetune), in place of steps: every, begin, end, schedule",
    ),
  seed: z
    .int()
    .min(0)
    .max(Number.MAX_SAFE_INTEGER)
    .optional()
    .describe("Of random scores and of the order of samples. Default: --seed, else 0"),
});

export type PruneOptions = z.output<typeof pruneOptions>;
