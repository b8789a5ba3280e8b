// The Report: what `measure` gives, what the report forms show, and the JSON that programs read. One schema for all three.
// The published JSON Schema (schema/report.schema.json) is made from it by tools/generate-docs.ts.

import { z } from "zod";

const count = z.int().min(0);
const nullable = (schema: z.ZodType<number>, text: string) => schema.nullable().describe(text);

const note = z.object({
  level: z.enum(["info", "warning"]),
  code: z.string().describe("Stable, kebab-case."),
  node: z.string().optional().describe("The node, tensor or model that the note is about."),
  text: z.string().describe("One sentence."),
});

const quartiles = z.object({
  median: z.number(),
  q1: z.number().describe("First quartile."),
  q3: z.number().describe("Third quartile."),
  runs: count.describe("Timed runs, warm-up not counted."),
});

const outputFidelity = z.object({
  name: z.string(),
  cosine: nullable(
    z.number(),
    "Cosine similarity over all samples, -1 to 1; null when not defined (a NaN, only zeros).",
  ),
  sqnrDb: nullable(
    z.number(),
    "10 log10(signal power / error power); null when there is no error at all or no signal.",
  ),
  maxAbs: nullable(z.number(), "Largest absolute difference; null when a value is not finite."),
  agreement: nullable(z.number(), "Share of rows whose largest value is at the same place; null without classes."),
});

const fidelity = z.object({
  cosine: nullable(z.number(), "The worst output's."),
  sqnrDb: nullable(z.number(), "The worst output's, decibels; null when every output is equal bit for bit."),
  maxAbs: nullable(z.number(), "The worst output's."),
  agreement: nullable(z.number(), "The worst among outputs that have classes, 0 to 1; null when none has."),
  samples: count.optional(),
  verified: z
    .enum(["full", "segments", "no"])
    .optional()
    .describe("How the models were run: whole, in consecutive graph segments, or not at all."),
  outputs: z.array(outputFidelity).optional().describe("One entry an output, in graph order."),
});

const accuracy = z.object({
  metric: z.string().describe('"top-1", "f1", "spearman", "perplexity" ...'),
  value: z.number(),
  samples: count,
  better: z.enum(["lower", "higher"]).optional(),
  others: z.record(z.string(), z.number()).optional().describe("Further metrics of the same samples, by name."),
  difference: z
    .object({
      value: z.number().describe("This model's value less the reference's."),
      low: z.number(),
      high: z.number(),
      samples: count,
    })
    .optional()
    .describe("Paired over the samples, with its 95% interval."),
});

const transfer = z.object({
  gzip: nullable(count, "Bytes at level 6."),
  brotli: nullable(count, "Bytes at quality 5; null where the platform has no brotli (the page)."),
  estimated: z.boolean().optional().describe("True: extrapolated from evenly spaced samples (above 256 MB)."),
});

const modelReport = z.object({
  path: z.string(),
  label: z.string().optional().describe("A short name for charts; default: the file's name."),
  bytes: count.describe("Bytes of the file with its external data."),
  transfer,
  parameters: nullable(count, "Elements of the weights; codes count as elements, their scales and zero points do not."),
  nonZero: nullable(count, "Of these, not zero (codes: not their zero point)."),
  macs: nullable(
    count,
    "Multiply-accumulates of one run at the observed shapes; null when they could not be observed.",
  ),
  loadMs: nullable(z.number(), "Milliseconds to make the session, in a fresh process where there can be one."),
  latencyMs: quartiles.nullable(),
  latencyRatio: nullable(z.number(), "Median over the rounds of this model's time over the reference's."),
  latencyRatioQuartiles: z.object({ q1: z.number(), q3: z.number() }).optional(),
  memory: z
    .object({
      baseBytes: count.describe("Resident bytes with the runtime loaded, before the model is."),
      peakLoadBytes: count.describe("Peak resident bytes until the session was made."),
      peakBytes: count.describe("Peak resident bytes in all, first runs included."),
    })
    .nullable()
    .optional()
    .describe("Of the process that serves the model; null in the page."),
  fidelity: fidelity.nullable().describe("Against the reference on the same inputs; null for the reference itself."),
  accuracy: accuracy.nullable().describe("Null where there are no labels."),
  notes: z.array(note).optional().describe("What was done to this model and why, where it is known."),
});

const layer = z.object({
  name: z.string(),
  op: z.string(),
  bytes: z
    .array(count.nullable())
    .describe("Weight bytes of this layer in each model, in their order; null: not there."),
  transfer: z
    .array(transfer.nullable())
    .optional()
    .describe("The same bytes compressed, each layer by itself; null: not there, or under 1 KiB."),
});

const part = z
  .object({
    ownDb: nullable(z.number(), "Signal over error of the numbers themselves, decibels; null: exact or not known."),
    outputDb: nullable(z.number(), "Of the outputs when nothing else is rounded; null: exact."),
    share: z.number().describe("Its part of the error that all parts make one by one, 0 to 1."),
  })
  .nullable();

const explained = z.object({
  layer: z.string(),
  operator: z.string(),
  weights: part,
  activations: part.describe("Of the values that the layer hands on."),
  together: part.describe("Where weights and activations cannot be told apart."),
  share: z.number(),
  withoutDb: nullable(z.number(), "Of the outputs when everything but this layer is rounded; null: exact."),
  resultDb: nullable(z.number(), "Of the layer's result in the compressed model; null: exact or not known."),
  reason: z.string(),
  suggestion: z.string(),
});

const table = z.object({
  title: z.string(),
  columns: z.array(z.string()),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.null()]))),
});

const training = z.object({
  steps: count.describe("Updates of the weights."),
  samples: count.describe("Samples of the part that was trained on."),
  heldOut: count.describe("Samples that weights were chosen by; 0: none."),
  seconds: z.number(),
  underflow: z
    .object({
      lost: z.number().describe("Share of the gradients that are not 0 and became 0 in low precision, 0 to 1."),
      unscaled: z.number().describe("The same as it would be without a loss scale."),
    })
    .optional(),
  metric: z.string().nullable().describe("What was measured on the held-out part beside the loss."),
  points: z
    .array(
      z.object({
        step: count,
        loss: nullable(z.number(), "Mean of the training loss since the point before; null when not finite."),
        learningRate: z.number(),
        heldOutLoss: z.number().nullable(),
        metric: z.number().nullable(),
      }),
    )
    .describe("Some hundred points of the run, every look at the held-out part among them; 0 is before it."),
});

export const reportSchema = z
  .object({
    pare: z.string().describe("Version of pare."),
    machine: z.object({
      platform: z.string(),
      cpu: z.string(),
      cores: count,
      memory: z.number().describe("Bytes."),
      runtime: z.string(),
    }),
    seed: z.int(),
    data: z.object({
      name: z.string(),
      synthetic: z.boolean().describe("True: drawn at random by pare. It shows numeric fidelity, not accuracy."),
      labelled: z.boolean(),
      samples: count.describe("Samples that fidelity and accuracy were measured on."),
    }),
    models: z.array(modelReport).min(1).describe("The reference first."),
    title: z.string().optional(),
    settings: z
      .object({
        provider: z.string().optional(),
        threads: count.optional(),
        shapes: z.record(z.string(), z.array(count)).optional(),
      })
      .optional()
      .describe("What the engine was asked for, and the input shapes of the timed runs."),
    layers: z.array(layer).optional().describe("Weights by layer, as the graph has them."),
    explained: z.array(explained).optional().describe("What each layer loses, the most harmful first."),
    training: training.optional().describe("How a training went."),
    tables: z.array(table).optional().describe("Further tables, such as the forms that were tried."),
    notes: z.array(note).optional(),
  })
  .meta({ title: "pare report" });

export type Report = z.infer<typeof reportSchema>;
export type Training = z.infer<typeof training>;
export type ModelReport = Report["models"][number];
export type Fidelity = NonNullable<ModelReport["fidelity"]>;
export type OutputFidelity = NonNullable<Fidelity["outputs"]>[number];
export type Accuracy = NonNullable<ModelReport["accuracy"]>;
export type TransferSize = z.infer<typeof transfer>;
export type LayerSize = NonNullable<Report["layers"]>[number];
