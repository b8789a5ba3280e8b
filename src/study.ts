// study: the same network pruned in many ways, compared as Blalock et al. (MLSys 2020) ask: several operating points, several
// draws, chance and magnitude always beside, every run from the same weights and judged on the same samples.
// Long because it is one flow: what is asked, what it depends on, the runs, what they come to.

import { platform } from "#platform";
import { describeError, invalid } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import { applyPlan } from "./compress.js";
import type { FinetuneSettings } from "./finetune.js";
import type { Model } from "./ir/model.js";
import { load } from "./load.js";
import type { StudyModel, StudyRecord, StudyReport } from "./metrics/study-report.js";
import { layOutModel, toBytes } from "./onnx/encode.js";
import type { PruneOptions } from "./prune/options.js";
import { pruneModel } from "./prune/prune.js";
import { modelKey } from "./quantize/calibration/model-key.js";
import { parseRecipe } from "./recipe.js";
import { answersOf } from "./search/study/answers.js";
import { shareOfBudget } from "./search/study/budget.js";
import { dataKey } from "./search/study/data-key.js";
import { ONE_SHOT, planStudy, type StudyGrid } from "./search/study/grid.js";
import { fed, judge, openPart, type Part } from "./search/study/judge.js";
import { choicesOf, outcomeOf, pointsOf, withOutcomes } from "./search/study/points.js";
import { type RecipeParts, stepOf } from "./search/study/recipe.js";
import { studyRules } from "./search/study/rules.js";
import { makeRuns, type PlannedRun, type RunEvent } from "./search/study/runs.js";
import { sizeOf } from "./search/study/sizes.js";
import { finishedRun, memoryStore, type RunIdentity, runKey, type StudyStore } from "./search/study/store.js";
import { type ServiceOptions, type Services, withServices } from "./services.js";
import type { Step } from "./step/step.js";
import { studyFolder } from "./study-folder.js";
import type { Feeds } from "./tensor/value.js";
import { version } from "./version.js";

export type { StudyReport } from "./metrics/study-report.js";
export type { RunEvent } from "./search/study/runs.js";
export type { StudyStore } from "./search/study/store.js";
export { writeStudy } from "./study-folder.js";

/** What varies, and what all runs have in common. */
export interface StudySettings {
  /** As the prune step takes them: "unstructured" (default), "channel", "2:4", "4x4" ... */
  readonly structures?: readonly string[] | undefined;
  /** Default: "l1". "random" and a magnitude are added where they are left out. */
  readonly scores?: readonly string[] | undefined;
  /** Default: "uniform" and "global". */
  readonly scopes?: readonly string[] | undefined;
  /** Default: "one-shot". */
  readonly schedules?: readonly string[] | undefined;
  /** Steps of the other schedules; default 3. */
  readonly steps?: number | undefined;
  /** What training begins from after each removal: "keep" (default), "rewind" to `earlier`, "reinit". */
  readonly weights?: readonly ("keep" | "rewind" | "reinit")[] | undefined;
  /** Shares that go, above 0 and below 1; default 0.5, 0.75 and 0.9. */
  readonly ratios?: readonly number[] | undefined;
  /** How many draws (1, 2, ...), or which; default 3. */
  readonly seeds?: number | readonly number[] | undefined;
  /** Training after each removal: options of the finetune step. Without it nothing is trained. */
  readonly finetune?: FinetuneSettings | undefined;
  /** Further options of the prune step for all runs: keep, layers, normalise ... */
  readonly prune?: Readonly<Record<string, unknown>> | undefined;
}

export interface StudyOptions extends ServiceOptions {
  /** Where finished runs are kept: a folder (made where it is missing) or a store; default: nowhere. */
  readonly folder?: string | StudyStore | undefined;
  /** Runs at a time; default: as many as there are cores for `threads` threads each. Results do not depend on it. */
  readonly jobs?: number | undefined;
  /** Engine threads of one run; default 1. */
  readonly threads?: number | undefined;
  /** Samples that are judged at most, of each part; default: all. */
  readonly limit?: number | undefined;
  /** The same network earlier in its training, for `weights: "rewind"`. */
  readonly earlier?: string | Model | undefined;
  /** Other networks for the same data, trained as usual: they stand beside the pruned ones. */
  readonly beside?: readonly (string | Model)[] | undefined;
  /** Called when a run is finished, failed, or found finished. */
  readonly onRun?: ((event: RunEvent) => void) | undefined;
}

const RATIOS = [0.5, 0.75, 0.9];
const SEEDS = 3;
const STEPS = 3;

/**
 * Runs whatever of the study is not kept yet, and says what all of it comes to. Every run is the recipe of one prune step,
 * applied to `model` as it is given; training chooses on the part for calibration, the report is of the part for measuring.
 * A run that fails is told of in the report, and tried again by the next study. Throws `invalid("study-options")` and what
 * a recipe throws for what cannot be run, `invalid("study-data")` without labelled data, all before any run; the reason of
 * the signal, after which the runs that are finished are kept.
 */
export async function study(model: Model, settings: StudySettings, options: StudyOptions = {}): Promise<StudyReport> {
  const { folder, jobs, limit, earlier, beside = [], onRun, ...rest } = options;
  const stated: RecipeParts = { finetune: settings.finetune as RecipeParts["finetune"], prune: settings.prune };
  if (stated.finetune) parseRecipe([{ ...stated.finetune, method: "finetune" }]);
  const plan = planStudy(gridOf(settings), studyRules({ ...stated, rewindable: earlier !== undefined }));
  const threads = options.threads ?? 1;
  return withServices(model, { ...rest, threads }, async (services) => {
    checkData(services, stated);
    const notes: Note[] = [...plan.notes];
    const parts = withBudget(stated, plan.grid, services, notes);
    const store = typeof folder === "string" ? await studyFolder(folder) : (folder ?? memoryStore());
    const work = new Work(services, store, { limit: limit ?? null, threads, earlier: await opened(earlier) });
    await work.open(model);
    const { original, runtime } = work;
    const others: StudyModel[] = [];
    for (const each of beside) others.push(...(await besides(each, work, notes)));
    const made = await makeRuns(
      await Promise.all(
        plan.jobs.map(async (job): Promise<PlannedRun> => {
          const recipe = [stepOf(job.method, job.ratio, job.seed, parts)];
          return { ...job, key: await runKey(work.identity(work.modelKey, recipe, job.seed)) };
        }),
      ),
      {
        store,
        jobs: jobs ?? Math.max(1, Math.floor(platform.cores() / threads)),
        signal: services.signal,
        onProgress: services.onProgress,
        now: services.now,
        onRun,
        make: (run) => work.run(model, run, stepOf(run.method, run.ratio, run.seed, parts)),
      },
    );
    const runs = withOutcomes(made, original);
    const points = pointsOf(runs, plan.grid);
    return {
      pare: version,
      model: model.origin?.name ?? "model",
      machine: { ...(await platform.machine()), runtime },
      data: {
        name: services.data.name,
        measured: original.measured.samples,
        heldOut: original.heldOut?.samples ?? 0,
        trained: parts.finetune ? (services.data.split("train").size ?? 0) : 0,
      },
      metric: original.metric,
      better: original.better,
      seeds: plan.grid.seeds,
      finetune: parts.finetune ?? null,
      original,
      beside: others,
      points,
      answers: answersOf(runs, original.better, plan.grid),
      choices: choicesOf(points, original.better),
      runs,
      notes: [...services.notes, ...notes],
    };
  });
}

function gridOf(settings: StudySettings): StudyGrid {
  const { seeds = SEEDS } = settings;
  return {
    structures: settings.structures ?? ["unstructured"],
    scores: settings.scores ?? ["l1"],
    scopes: settings.scopes ?? ["uniform", "global"],
    schedules: settings.schedules ?? ["one-shot"],
    steps: settings.steps ?? STEPS,
    weights: settings.weights ?? ["keep"],
    ratios: settings.ratios ?? RATIOS,
    seeds: typeof seeds === "number" ? Array.from({ length: seeds }, (_, at) => at + 1) : seeds,
  };
}

/** Runs of several steps train no more than runs of one. */
function withBudget(
  parts: RecipeParts,
  { schedules, steps }: StudyGrid,
  { data }: Services,
  notes: Note[],
): RecipeParts {
  if (!parts.finetune || schedules.every((name) => name === ONE_SHOT)) return parts;
  const finetuneOfSteps = shareOfBudget(parts.finetune, steps, data.split("train").size);
  if (finetuneOfSteps === undefined) {
    const text = `How many samples train is not known, so each of ${steps} steps trains as long as one-shot does in all: state updates (finetune steps) for an equal budget.`;
    notes.push(warning("study-budget", text));
  } else {
    const text = `Every run trains as long in all: one-shot at once, the others ${finetuneOfSteps.steps} updates in each of ${steps} steps.`;
    notes.push(info("study-budget", text));
  }
  return { ...parts, finetuneOfSteps };
}

function checkData({ data }: Services, { finetune }: RecipeParts): void {
  const hint = "Give it with --data: a dataset.json, a folder, a file (docs/data.md).";
  if (data.synthetic || !data.labelled) {
    throw invalid("study-data", "A study compares accuracy: it needs data with labels.", { found: data.name, hint });
  }
  if (data.split("measure").size === 0) {
    throw invalid("study-data", `${data.name} keeps no samples to measure on.`, {
      hint: 'State "measure" in its split.',
    });
  }
  if (finetune && data.split("train").size === 0) {
    throw invalid("study-data", `${data.name} has no samples for training.`, { hint: 'State "train" in its split.' });
  }
}

const opened = async (model: string | Model | undefined): Promise<Model | undefined> =>
  typeof model === "string" ? load(model) : model;

/** What the runs share: the samples, the identities, and the way from a recipe to a record. */
class Work {
  original!: StudyRecord;
  modelKey = "";
  runtime = "";
  #identity!: Omit<RunIdentity, "model" | "recipe" | "seed">;
  #measure!: Part;
  #heldOut: Part | undefined;
  #feeds!: Feeds;

  constructor(
    readonly services: Services,
    readonly store: StudyStore,
    readonly given: { readonly limit: number | null; readonly threads: number; readonly earlier: Model | undefined },
  ) {}

  async open(model: Model): Promise<void> {
    const { data, signal, memory = Number.POSITIVE_INFINITY } = this.services;
    const { limit, threads, earlier } = this.given;
    const engine = await this.services.runtime();
    this.runtime = `${engine.name} ${engine.version}`;
    this.#identity = {
      pare: version,
      ...(earlier && { earlier: await modelKey(earlier, signal) }),
      data: await dataKey(data, signal),
      limit,
      threads,
      engine: `${this.runtime} ${engine.provider}`,
    };
    this.#measure = await openPart(data.split("measure"), limit ?? undefined, memory / 8, signal);
    const held = data.split("calibrate");
    if (held.size !== 0) this.#heldOut = await openPart(held, limit ?? undefined, memory / 8, signal);
    for await (const { feeds } of this.#measure.samples(signal)) {
      this.#feeds = feeds;
      break;
    }
    this.modelKey = await modelKey(model, signal);
    this.original = await this.asItIs(model, this.modelKey);
  }

  identity = (model: string, recipe: readonly object[], seed: number): RunIdentity => ({
    ...this.#identity,
    model,
    recipe,
    seed,
  });

  /** A model that nothing is done to. */
  async asItIs(model: Model, ownKey?: string): Promise<StudyRecord> {
    const identity = this.identity(ownKey ?? (await modelKey(model, this.services.signal)), [], 0);
    const key = await runKey(identity);
    const kept = await finishedRun(this.store, key);
    if (kept) return kept;
    const record = await this.#judged(model, { key, recipe: [], seed: 0, notes: [] }, this.services.now());
    await this.store.write(key, record);
    return record;
  }

  /** One run of the plan. Its seed is that of everything random in it; how the data is split stays. */
  async run(model: Model, { key, seed }: PlannedRun, step: ReturnType<typeof stepOf>): Promise<StudyRecord> {
    const begun = this.services.now();
    const context = { ...this.services, seed, onProgress: undefined };
    const { earlier } = this.given;
    const plan = parseRecipe([step]).map(({ step: prune, options }) => ({
      options,
      step: {
        ...prune,
        // What the weights rewind to is no part of a recipe.
        apply: (given, parsed, inner) => pruneModel(given, parsed as PruneOptions, inner, { earlier }),
      } satisfies Step,
    }));
    const made = await applyPlan(model, plan, context);
    const notes = made.notes.filter(({ level }) => level === "warning");
    return this.#judged(made.model, { key, recipe: [step], seed, notes }, begun);
  }

  async #judged(
    made: Model,
    about: Pick<StudyRecord, "key" | "recipe" | "seed" | "notes">,
    begun: number,
  ): Promise<StudyRecord> {
    const services = { ...this.services, onProgress: undefined };
    const { model, bytes, gzip } = await this.#written(made);
    const { metric, score } = await judge(model, this.#measure, services);
    return {
      pare: version,
      ...about,
      metric: metric.name,
      better: metric.better,
      size: { ...(await sizeOf(model, fed(model, this.#feeds), services)), bytes, gzip },
      heldOut: this.#heldOut ? (await judge(model, this.#heldOut, services)).score : null,
      measured: score,
      seconds: Math.round(services.now() - begun) / 1000,
    };
  }

  /** What is judged is what the file would hold: weights are computed once, and read back. */
  async #written(model: Model): Promise<{ model: Model; bytes: number; gzip: number | null }> {
    const encoded = layOutModel(model);
    const small = encoded.byteLength < (this.services.memory ?? Number.POSITIVE_INFINITY) / 8;
    const file = small ? await toBytes(model) : undefined;
    const gzip = await platform.compressedSize("gzip", file ? once(file) : encoded.stream());
    return { model: file ? await load(file) : model, bytes: encoded.byteLength, gzip: gzip ?? null };
  }
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** A network beside; one that cannot be judged on this data is left out, with the reason. */
async function besides(given: string | Model, work: Work, notes: Note[]): Promise<StudyModel[]> {
  const model = typeof given === "string" ? await load(given) : given;
  const name = (model.origin?.name ?? "model").split(/[\\/]/).pop()!;
  try {
    const record = await work.asItIs(model);
    return [{ name, record, outcome: outcomeOf(work.original, record) }];
  } catch (error) {
    work.services.signal?.throwIfAborted();
    notes.push(warning("study-beside", `It cannot be judged on the same data: ${describeError(error)}`, name));
    return [];
  }
}
