// explain: which layers of a compressed model lose what, and why, measured layer by layer.

import { invalid, unsupported } from "./base/errors.js";
import type { Note } from "./base/note.js";
import { info, warning } from "./base/note.js";
import type { CompressResult } from "./compress.js";
import { verifyModel } from "./engine/compare.js";
import { UNFUSED } from "./engine/runtime.js";
import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import type { Model } from "./ir/model.js";
import type { Report } from "./metrics/report.js";
import { RECIPE_KEY } from "./recipe.js";
import { type Asked, explainedRows, type LayerExplanation } from "./search/rows.js";
import { decibels, SAMPLES } from "./search/sensitivity.js";
import { switchedModel } from "./search/switched.js";
import { type ServiceOptions, type Services, withServices } from "./services.js";
import type { Feeds } from "./tensor/value.js";

export type { LayerExplanation, PartExplanation } from "./search/rows.js";

export interface ExplainOptions extends ServiceOptions {
  /** Samples that every layer is measured on; default 16, from the part for calibration. */
  readonly samples?: number | undefined;
}

export interface Explanation {
  /** Ranked: the largest part of the error first. */
  readonly layers: readonly LayerExplanation[];
  /** Signal over error of the outputs with everything rounded, dB, from their mean noise; null: exact. */
  readonly outputDb: number | null;
  /** Of each output of floating point. */
  readonly outputs: Readonly<Record<string, number | null>>;
  /** The same on the runtime's own kernels against the arithmetic of the file, dB: low where integer sums overflow. */
  readonly kernelsDb: number | null;
  readonly data: Report["data"];
  readonly notes: readonly Note[];
}

/** Signal over error below which the runtime's kernels do not compute what the file says: rounding alone gives more. */
const KERNELS_DB = 25;

/**
 * Ranks the layers of what `compress` made by what their rounding does to the outputs: the loss when only one layer is
 * rounded and when all others are, weights and activations apart, on one session of a model that holds both. Costs about
 * three runs a layer and sample. Throws `invalid("explain-nothing")` for a result that rounds nothing,
 * `unsupported("explain-form")` where no layer can be told from another (float16 throughout), `unsupported("explain-memory")`
 * where both models do not fit the memory together.
 */
export function explain(made: CompressResult, options: ExplainOptions = {}): Promise<Explanation> {
  const { float, model } = made;
  if (float === undefined) {
    throw invalid("explain-nothing", "Nothing was rounded: there is nothing to explain.", {
      hint: "Give it what compress made with a recipe that quantizes.",
    });
  }
  return withServices(float, options, async (services) => {
    checkMemory(float, model, services);
    const switched = await switchedModel(float, model);
    if (switched.switches.length === 0) {
      throw unsupported("explain-form", "No layer of this form can be told from the others.", {
        hint: "float16 throughout (compute) renames every value; measure compares it with the original as a whole.",
      });
    }
    const data = services.data.split("calibrate");
    const samples = options.samples ?? SAMPLES;
    const rows = await explainedRows(float, switched, askedOf(model), data, services, { samples });
    const kernelsDb = await kernelsAgainstFile(model, data, services);
    return {
      layers: rows.layers,
      outputDb: rows.outputDb,
      outputs: rows.outputs,
      kernelsDb,
      data: { name: data.name, synthetic: data.synthetic, labelled: data.labelled, samples: rows.samples },
      notes: [...services.notes, ...switched.notes, ...aboutData(data), ...aboutKernels(kernelsDb)],
    };
  });
}

function checkMemory(float: Model, compressed: Model, { memory }: Services): void {
  // Weights stand in it as float and rounded, and are decoded beside that.
  const need = (2 * weightBytes(float.graph) + weightBytes(compressed.graph)) * SESSION_FACTOR;
  if (need <= (memory ?? Number.POSITIVE_INFINITY)) return;
  throw unsupported("explain-memory", "The float and the compressed model do not fit the memory together.", {
    expected: `at most ${Math.round((memory ?? 0) / 1e6)} MB`,
    found: `about ${Math.round(need / 1e6)} MB`,
    hint: "Allow more with memory (--memory), if the machine has it.",
  });
}

/** What the recipe in the model says of its last step that quantizes. */
export function askedOf({ metadata }: Model): Asked {
  const text = metadata.get(RECIPE_KEY);
  const steps = text === undefined ? [] : (JSON.parse(text) as { method: string }[]);
  const last = steps.findLast(({ method }) => method === "quantize") as Partial<Asked> | undefined;
  return {
    weights: last?.weights ?? "int8",
    activations: last?.activations ?? "float",
    granularity: last?.granularity ?? "auto",
  };
}

/** A few samples are enough: an overflow shows in the first. */
const KERNEL_SAMPLES = 4;

async function kernelsAgainstFile(model: Model, data: Services["data"], services: Services): Promise<number | null> {
  const feeds = async function* (): AsyncIterable<Feeds> {
    for await (const sample of data.samples({ limit: KERNEL_SAMPLES })) yield sample.feeds;
  };
  const { outputs } = await verifyModel(model, model, feeds(), services, { reference: { config: UNFUSED } });
  const noises = outputs.map(({ sqnrDb }) => 10 ** (-sqnrDb / 10)).filter((noise) => !Number.isNaN(noise));
  return decibels(Math.max(0, ...noises));
}

const aboutKernels = (db: number | null): Note[] =>
  db === null || db > KERNELS_DB
    ? []
    : [
        warning(
          "kernels-differ",
          `The runtime's integer kernels on this machine are ${db.toFixed(0)} dB from what the file says: 16-bit sums overflow where the CPU has no VNNI. Try --reduce-range.`,
        ),
      ];

const aboutData = ({ synthetic }: Services["data"]): Note[] =>
  synthetic
    ? [info("explain-synthetic", "Measured on synthetic inputs: the order of the layers may differ on real data.")]
    : [];
