// What a training is told about its teacher.

import { z } from "zod";
import { teacherLosses } from "./losses/index.js";
import { scheduledNumber } from "./scheduled.js";

const inputMap = z.union([
  z.string(),
  z.strictObject({
    from: z.string().describe("Input of the student whose numbers it takes"),
    scale: z
      .union([z.number(), z.array(z.number()).min(1)])
      .optional()
      .describe("Factor, or one for each channel (axis 1)"),
    shift: z
      .union([z.number(), z.array(z.number()).min(1)])
      .optional()
      .describe("Added after the factor; one number, or one for each channel"),
  }),
]);

const [first, ...others] = teacherLosses.list.map(({ name, options, on }) =>
  options
    .extend({
      loss: z.literal(name),
      weight: scheduledNumber(z.number().min(0))
        .optional()
        .describe("Its factor in the sum of losses, or { from, to } over the training. Default: 1"),
      ...(on === "output"
        ? { output: z.string().optional().describe("Output of the student. Default: every float output") }
        : {
            pairs: z
              .union([z.literal("auto"), z.record(z.string(), z.string())])
              .optional()
              .describe(
                "Values that are compared: { student's: teacher's }; auto: up to four of the same name in both. Default: auto",
              ),
          }),
      mask: z
        .string()
        .optional()
        .describe(
          "Input of the student that is 1 where a position counts and 0 where it is padding. Default: attention_mask, where it fits; none: all count",
        ),
    })
    .strict(),
);
const loss = z.union([
  z.enum(teacherLosses.names as unknown as [string, ...string[]]),
  z.discriminatedUnion("loss", [first!, ...others]),
]);

export const teacherOptions = z.strictObject({
  from: z
    .union([
      z.string(),
      z
        .array(
          z.union([
            z.string(),
            z.strictObject({ model: z.string(), weight: z.number().positive().optional().describe("Default: 1") }),
          ]),
        )
        .min(1),
    ])
    .default("original")
    .describe(
      "The teacher: a path or URL, or original: the model as the recipe was given it. A list is an ensemble; each may have a weight",
    ),
  combine: z.enum(["logits", "probabilities"]).default("probabilities").describe("What an ensemble takes the mean of"),
  losses: z
    .array(loss)
    .min(1)
    .optional()
    .describe(
      `How the student follows: ${teacherLosses.names.join(", ")}; objects with their options. Default: soft-labels at temperature 1 for outputs that are probabilities or logits of classes, logits for others`,
    ),
  inputs: z
    .record(z.string(), inputMap)
    .optional()
    .describe("Inputs of the teacher and what they take: { teacher's: student's }. Default: by name, or one for one"),
  outputs: z
    .record(z.string(), z.string())
    .optional()
    .describe("Outputs that belong together: { student's: teacher's }. Default: by name, or by place"),
  classes: z
    .array(z.int().min(0))
    .min(1)
    .optional()
    .describe("For each class of the student the teacher's class. Default: the same"),
  cache: z
    .union([z.boolean(), z.int().min(1)])
    .default(false)
    .describe(
      "Keeps what the teacher gave for a sample, up to so many megabytes (true: 256): worth it without augmentation",
    ),
});

export type TeacherOptions = z.output<typeof teacherOptions>;

/** One loss as it is stated, defaults of its own filled in. */
export interface StatedLoss {
  readonly loss: string;
  readonly weight?: number | { readonly from: number; readonly to: number } | undefined;
  readonly output?: string | undefined;
  readonly pairs?: "auto" | Readonly<Record<string, string>> | undefined;
  readonly mask?: string | undefined;
  readonly [option: string]: unknown;
}
