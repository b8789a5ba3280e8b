// The main job, `pare model.onnx`: clean up, try the forms that the target runs fast, judge each against the original on
// the engine, and choose the best of those that are as good and not slower: the least size times time.
// Long because the flow, the forms that it tries and how they are timed are read together.

import { PareError } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import { applyPlan } from "./compress.js";
import type { Dataset } from "./data/dataset.js";
import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import { GATE, type GateLimits, judgeQuality, type Verdict } from "./gate.js";
import type { Model } from "./ir/model.js";
import { measure } from "./measure.js";
import type { ModelReport, Report } from "./metrics/report.js";
import { encode } from "./onnx/encode.js";
import { formats } from "./quantize/formats/index.js";
import { isStatic } from "./quantize/options.js";
import { parseRecipe, type Recipe, type RecipeStep } from "./recipe.js";
import { type ServiceOptions, type Services, withServices } from "./services.js";
import type { Target } from "./targets/target.js";

export interface PareOptions extends ServiceOptions {
  readonly limits?: Partial<GateLimits>;
  /** Check the graph's invariants after every step. */
  readonly checkInvariants?: boolean;
}

/** One form that was tried. */
export interface Attempt {
  readonly form: string;
  readonly recipe: Recipe;
  readonly model: Model;
  /** Bytes of the file and its external data. */
  readonly bytes: number;
  readonly quality: Verdict;
  /** The worst output's, against the original; null when it did not run. */
  readonly cosine: number | null;
  /** Time over the original's, by engine; an engine is absent where the form was not timed. */
  readonly latency: Readonly<Record<string, number>>;
  readonly passed: boolean;
  /** Why it was chosen or not. */
  readonly reason: string;
  readonly notes: readonly Note[];
}

export interface PareResult {
  /** Undefined when no form passed. */
  readonly chosen: Attempt | undefined;
  /** In the order they were tried, boldest first. */
  readonly attempts: readonly Attempt[];
  readonly before: { readonly bytes: number };
  readonly data: Report["data"];
  readonly notes: readonly Note[];
  /** What to try next, as command lines without the model's name. */
  readonly next: readonly string[];
}

/** Samples that choose the form; the report measures on the rest. */
const SAMPLES = { real: 256, synthetic: 8 };
/** Milliseconds of timed runs for each form and engine. */
const LATENCY_BUDGET_MS = 400;
/** A form that seems slower is timed again, longer, so many times in all, unless it is beyond doubt. */
const TIMINGS = 3;
const CLEARLY_SLOWER = 3;
const CHOSEN = "chosen";
const STATIC = "int8 static";
const CLEAN = { method: "clean" } as const;

/**
 * Tries the forms of the target and chooses. Nothing is written. Throws when the original does not run, or the data
 * does not fit it.
 */
export function pare(model: Model, options: PareOptions = {}): Promise<PareResult> {
  return withServices(model, options, async (services) => {
    const limits = { ...GATE, ...options.limits };
    const clean = await applyPlan(model, parseRecipe([CLEAN]), services, options.checkInvariants);
    const made = await makeForms(clean.model, services, options.checkInvariants);
    const part = choosingPart(services.data);
    const common = { ...options, data: part, memory: services.memory };
    const quality = await measure([model, ...made.forms.map((form) => form.model)], {
      ...common,
      metrics: ["size", "fidelity", "accuracy"],
      limit: part.synthetic ? SAMPLES.synthetic : SAMPLES.real,
    });
    const reference = quality.models[0]!;
    const verdicts = made.forms.map((form, i) =>
      judgeQuality(quality.models[i + 1]!, reference, quality.data, limits, isBold(form)),
    );
    const sizes = quality.models.slice(1).map(({ bytes }) => bytes);
    const timing = await timeForms(model, made.forms, verdicts, sizes, common, services, limits.latency);
    const before = { bytes: model.origin?.bytes ?? reference.bytes };
    const judged = made.forms.map((form, i) =>
      judge(form, quality.models[i + 1]!, verdicts[i]!, timing.ratios[i]!, before.bytes, limits),
    );
    const best = choose(judged);
    const attempts = judged.map((attempt) => outcome(attempt, best));
    const chosen = attempts.find(({ reason }) => reason === CHOSEN);
    return {
      chosen,
      attempts,
      before,
      data: quality.data,
      notes: [
        ...services.notes,
        ...clean.notes,
        ...made.notes,
        ...timing.notes,
        ...(quality.notes ?? []),
        ...(chosen?.notes ?? []),
      ],
      next: next(services.target, quality.data.synthetic, chosen),
    };
  });
}

interface Form {
  readonly form: string;
  readonly recipe: Recipe;
  readonly model: Model;
  readonly notes: readonly Note[];
}

/**
 * The forms worth trying on a target, boldest first: what it runs natively and fast, then what every runtime folds at load.
 * Ranges of activations are calibrated on real data only: those of synthetic inputs are those of nothing.
 */
export function formsFor(
  { fast }: Target,
  synthetic = false,
): readonly { readonly form: string; readonly recipe: Recipe }[] {
  const one = (form: string, options: Omit<Extract<RecipeStep, { method: "quantize" }>, "method">) => ({
    form,
    recipe: [{ method: "quantize", ...options }] as const,
  });
  const narrow = fast.matMulNBits.map(({ bits }) =>
    one(`int${bits} blocks`, { weights: `int${bits}`, form: "native" }),
  );
  return [
    ...narrow,
    ...(fast.staticInt8.length > 0 && !synthetic ? [one(STATIC, { weights: "int8", activations: "uint8" })] : []),
    ...(fast.dynamicInt8 ? [one("int8 dynamic", { weights: "int8", activations: "dynamic" })] : []),
    ...(["int4", "int5", "int6"] as const).map((weights) =>
      one(`${weights} blocks self-extracting`, { weights, form: "extract" }),
    ),
    one("int8 self-extracting", { weights: "int8", form: "extract" }),
    // A little larger and a good deal nearer: for small networks, where one scale a channel is too coarse.
    one("uint8 blocks self-extracting", { weights: "uint8", form: "extract", granularity: "block" }),
    ...(fast.float16 ? [one("float16", { weights: "float16", compute: "compute" })] : []),
    one("float16 stored", { weights: "float16", compute: "stored" }),
  ];
}

async function makeForms(clean: Model, services: Services, check = false) {
  const forms: Form[] = [];
  const notes: Note[] = [];
  for (const { form, recipe } of formsFor(services.target, services.data.synthetic)) {
    try {
      const { model, notes } = await applyPlan(clean, parseRecipe(recipe), services, check);
      forms.push({ form, recipe: [CLEAN, ...recipe], model, notes });
    } catch (error) {
      if (!(error instanceof PareError) || error.kind === "internal") throw error;
      notes.push(info("form-not-possible", `${form} is not possible here: ${error.message}`, error.node));
    }
  }
  return { forms, notes };
}

/** The part that chooses, as a dataset that is not split again: the report measures on the other. */
export function choosingPart(data: Dataset): Dataset {
  const part = data.split("calibrate");
  const whole: Dataset = { ...part, split: () => whole };
  return whole;
}

/** Weights of fewer than 8 bits, activations with calibrated ranges: small models lose by them what few samples do not show. */
const isBold = ({ recipe }: Form) =>
  recipe.some(
    (step) =>
      step.method === "quantize" &&
      (formats.get(String(step.weights ?? "int8")).bits < 8 || isStatic(String(step.activations ?? "float"))),
  );

/** Weights that are decoded at load leave the graph of the original: all such forms run at one speed. */
const decodedAtLoad = ({ recipe }: Form) =>
  recipe.some((step) => "form" in step && step.form === "extract") ||
  recipe.some((step) => "compute" in step && step.compute === "stored");

async function timeForms(
  model: Model,
  forms: readonly Form[],
  verdicts: readonly Verdict[],
  sizes: readonly number[],
  options: PareOptions,
  services: Services,
  latencyLimit: number,
): Promise<{ ratios: Record<string, number>[]; notes: Note[] }> {
  const ratios = forms.map((): Record<string, number> => ({}));
  const notes: Note[] = [];
  const passed = forms.flatMap((form, index) => (verdicts[index]?.passed ? [{ form, index }] : []));
  // Of the forms that are decoded at load one is timed, the smallest; the next one only where that seems slow.
  const alike = passed.filter(({ form }) => decodedAtLoad(form)).sort((a, b) => sizes[a.index]! - sizes[b.index]!);
  const { timedOn } = services.target;
  if (timedOn.length === 0) {
    notes.push(warning("not-timed", `Speed on target "${services.target.name}" cannot be measured on this machine.`));
  }
  if (weightBytes(model.graph) * SESSION_FACTOR > (services.memory ?? Number.POSITIVE_INFINITY)) {
    notes.push(warning("not-timed", "The model does not fit the memory that may be used: its speed was not measured."));
    return { ratios, notes };
  }
  for (const engine of timedOn) {
    const slow = await timeAll(engine, [...passed.filter(({ form }) => !decodedAtLoad(form)), ...alike.slice(0, 1)]);
    for (let at = 1; at < alike.length && slow(alike[at - 1]!); at++) await timeAll(engine, [alike[at]!]);
    const shown = alike.find(({ index }) => (ratios[index]![engine] ?? Number.POSITIVE_INFINITY) <= latencyLimit);
    if (shown === undefined) continue;
    // One that seemed slower than that was disturbed.
    for (const { index } of alike) ratios[index]![engine] = ratios[shown.index]![engine]!;
  }
  return { ratios, notes };

  async function timeAll(engine: Target["timedOn"][number], those: readonly (typeof passed)[number][]) {
    const best = those.map((): Timing => ({ ratio: null, spread: Number.POSITIVE_INFINITY }));
    let left = those.map((_, i) => i);
    // Other work on the machine disturbs some rounds, of either model. What seems slower is timed again, longer, and of
    // the timings the steadiest counts, whatever it says.
    for (let attempt = 0; attempt < TIMINGS && left.length > 0; attempt++) {
      const forms = left.map((i) => those[i]!.form);
      const found = await timeOn(engine, model, forms, options, LATENCY_BUDGET_MS * 2 ** attempt);
      for (const note of found.notes) if (!notes.some(({ text }) => text === note.text)) notes.push(note);
      for (const [at, i] of left.entries()) {
        const timing = found.timings[at]!;
        if (timing.ratio !== null && timing.spread < best[i]!.spread) best[i] = timing;
      }
      left = left.filter((i) => {
        const ratio = best[i]!.ratio ?? 0;
        return ratio > latencyLimit && ratio < CLEARLY_SLOWER;
      });
    }
    for (const [i, { index }] of those.entries()) {
      const { ratio } = best[i]!;
      if (ratio !== null) ratios[index]![engine] = ratio;
    }
    return ({ index }: (typeof passed)[number]) => (ratios[index]![engine] ?? 0) > latencyLimit;
  }
}

/** The median ratio of the rounds, and how far apart their quartiles are, relative to it. */
interface Timing {
  readonly ratio: number | null;
  readonly spread: number;
}

async function timeOn(
  engine: Target["timedOn"][number],
  model: Model,
  forms: readonly Form[],
  options: PareOptions,
  latencyBudgetMs: number,
) {
  const report = await measure([model, ...forms.map((form) => form.model)], {
    ...options,
    ...(engine === "wasm" ? { provider: "wasm" as const } : {}),
    metrics: ["latency"],
    latencyBudgetMs,
  });
  const timings = report.models.slice(1).map(({ latencyRatio: ratio, latencyRatioQuartiles: quartiles }): Timing => {
    const spread = ratio && quartiles ? (quartiles.q3 - quartiles.q1) / ratio : Number.MAX_VALUE;
    return { ratio, spread };
  });
  return { timings, notes: report.notes ?? [] };
}

function judge(
  form: Form,
  row: ModelReport,
  quality: Verdict,
  latency: Readonly<Record<string, number>>,
  before: number,
  limits: GateLimits,
): Attempt {
  const slow = Object.entries(latency).find(([, ratio]) => ratio > limits.latency);
  const bytes = row.bytes || encode(form.model).byteLength;
  const reason = !quality.passed ? "not as good" : slow ? `slower on ${slow[0]}` : bytes >= before ? "not smaller" : "";
  return { ...form, bytes, quality, cosine: row.fidelity?.cosine ?? null, latency, passed: reason === "", reason };
}

const slowest = (latency: Attempt["latency"]) => Object.values(latency).reduce((a, b) => Math.max(a, b), 0) || 1;

/** The least size times time: the time over the original's on the slowest engine, 1 where it is not known. */
export function choose<A extends Pick<Attempt, "passed" | "bytes" | "latency">>(attempts: readonly A[]): A | undefined {
  const cost = ({ bytes, latency }: A) => bytes * slowest(latency);
  const passed = attempts.filter((attempt) => attempt.passed);
  return passed.reduce<A | undefined>((best, each) => (best && cost(best) <= cost(each) ? best : each), undefined);
}

function outcome(attempt: Attempt, chosen: Attempt | undefined): Attempt {
  if (attempt === chosen) return { ...attempt, reason: CHOSEN };
  if (!attempt.passed || !chosen) return attempt;
  const faster = slowest(attempt.latency) < slowest(chosen.latency);
  const smaller = attempt.bytes < chosen.bytes;
  return { ...attempt, reason: smaller ? "slower, for little size" : faster ? "larger, for little speed" : "larger" };
}

function next(target: Target, synthetic: boolean, chosen: Attempt | undefined): string[] {
  const float = chosen === undefined || chosen.form.startsWith("float16");
  return [
    ...(synthetic ? ["--data <dataset.json | folder>  to judge by your own data instead of synthetic inputs"] : []),
    ...(!synthetic && target.fast.staticInt8.length > 0 && chosen?.form !== STATIC
      ? [
          "pare quantize <model> --activations uint8 --data <dataset> --max-drop 0.01  integers throughout, the fastest on CPUs; layers that lose most stay float",
        ]
      : []),
    ...(target.name === "any" ? ["--target node (or webgpu)  where packed 4-bit and 8-bit products are fast"] : []),
    float
      ? 'pare quantize <model> --weights uint8 --form extract --keep "<node or glob>"  to keep sensitive layers in float'
      : "pare quantize <model> --weights int3 (nf4, codebook ...)  smaller again; pare measure shows what is lost by it",
  ];
}
