// compressWithin: a recipe, and what its result may cost: a largest drop, size or time. Layers are given back more precision,
// or fewer bits, by what each was measured to do to the outputs, until the limits hold on data that had no part in the choice.
// Long because the three limits share one search, whose steps are read in order.

import { invalid, PareError } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import { applyPlan, type CompressOptions, type CompressResult } from "./compress.js";
import type { Dataset } from "./data/dataset.js";
import { observe } from "./engine/observe.js";
import type { Model, Node } from "./ir/model.js";
import { measure } from "./measure.js";
import type { Report } from "./metrics/report.js";
import { workOf } from "./metrics/work.js";
import { layOutModel } from "./onnx/encode.js";
import { choosingPart, formsFor } from "./pare.js";
import { type PlannedStep, parseRecipe, type Recipe } from "./recipe.js";
import { type GivenBack, giveBack } from "./search/give-back.js";
import { describeLoss, type Loss, lossOf, type MaxDrop, parseMaxDrop, within } from "./search/loss.js";
import { mixedLayers, mixFor } from "./search/mix.js";
import { type Move, rankedMoves } from "./search/moves.js";
import { describeMix, type Given, quantizeAt, type StatedStep, type Steps, withMix } from "./search/recipes.js";
import { type Sensitivity, sensitivity } from "./search/sensitivity.js";
import { switchedModel } from "./search/switched.js";
import { type Services, withServices } from "./services.js";

export type { Loss, MaxDrop } from "./search/loss.js";
export type { Given } from "./search/recipes.js";

export interface Limits {
  /**
   * Largest loss, of the metric of the labels, else of top-1 agreement (real data) or of the worst output's cosine: a
   * number or "0.01" in the measure's own unit, "1%" of what the original has.
   */
  readonly maxDrop?: number | string | MaxDrop | undefined;
  /** Bytes of the file and its external data at most. */
  readonly maxSize?: number | undefined;
  /** Time over the original's at most, on every engine of the target. */
  readonly maxLatencyRatio?: number | undefined;
}

export interface WithinOptions extends CompressOptions, Limits {
  /** Samples that each choice is judged on, from the part for calibration; default 256 (synthetic: 8). */
  readonly chooseOn?: number | undefined;
}

/** One candidate that was made and judged. */
export interface Trial {
  /** "as stated", "2 layers in float", "int4 blocks" ... */
  readonly what: string;
  readonly bytes: number;
  /** Absent where the size already ruled it out. */
  readonly loss: Loss | undefined;
  /** Time over the original's on the slowest engine; null: not timed. */
  readonly latencyRatio: number | null;
  readonly holds: boolean;
}

export interface WithinResult extends CompressResult {
  /** Makes this very result again. */
  readonly recipe: Recipe;
  /** Whether every limit holds, the drop on held-out data. If not, this is the best that was found. */
  readonly met: boolean;
  /** One sentence for each limit that does not hold. */
  readonly unmet: readonly string[];
  readonly bytes: number;
  /** On the part of the data that chose, and on the part for measuring, which had no part in it. */
  readonly chosenOn: Loss | undefined;
  readonly heldOut: Loss;
  readonly latencyRatio: number | null;
  /** Layers that were given back more precision, in order of harm, and what each weighs. */
  readonly reverted: readonly Given[];
  readonly trials: readonly Trial[];
}

const CHOOSE_ON = { real: 256, synthetic: 8 };
/** Held-out samples at most: enough for an interval of about 2 points. */
const HELD_OUT = 2000;
const LATENCY_BUDGET_MS = 600;
/** Mixes that are made until one fits: what decodes them is only known once they are. */
const MIXES = 6;
/**
 * `compress` with limits. The recipe must hold a quantize step, the last of which is adjusted: layers are kept float (below
 * 8 bits: first given 8 bits), the bits of each layer mixed, or, where the step states nothing, the forms of the target tried.
 * Choices are made on the data's part for calibration, and hold on its part for measuring. Throws what `compress` and
 * `measure` throw, `invalid("within-limits")` without a limit, `invalid("within-recipe")` without a quantize step.
 */
export function compressWithin(
  model: Model,
  recipe: Recipe | string,
  options: WithinOptions = {},
): Promise<WithinResult> {
  const { maxDrop, maxSize, maxLatencyRatio } = options;
  if (maxDrop === undefined && maxSize === undefined && maxLatencyRatio === undefined) {
    throw invalid("within-limits", "There is no limit to hold.", { expected: "maxDrop, maxSize or maxLatencyRatio" });
  }
  const drop = maxDrop === undefined ? undefined : parseMaxDrop(maxDrop);
  const stated = statedSteps(recipe, options);
  return withServices(model, options, async (services) => {
    const search = new Search(model, stated, services, { ...options, drop });
    return search.result();
  });
}

function statedSteps(recipe: Recipe | string, { methods }: CompressOptions): Steps {
  parseRecipe(recipe, methods);
  const steps = (typeof recipe === "string" ? JSON.parse(recipe) : recipe) as Steps;
  if (steps.some(({ method }) => method === "quantize")) return steps;
  throw invalid("within-recipe", "Limits are held by adjusting a quantize step: the recipe has none.", {
    expected: '[{ "method": "quantize", ... }]',
  });
}

/** A recipe, what it made and how that was judged. */
interface Candidate extends Trial, GivenBack {
  readonly made: CompressResult;
}

class Search {
  readonly #trials: Trial[] = [];
  readonly #notes: Note[] = [];
  readonly #choosing: Dataset;

  constructor(
    private readonly model: Model,
    private readonly stated: Steps,
    private readonly services: Services,
    private readonly options: Omit<WithinOptions, "maxDrop"> & { readonly drop: MaxDrop | undefined },
  ) {
    this.#choosing = choosingPart(services.data);
  }

  async result(): Promise<WithinResult> {
    const { drop } = this.options;
    const first = await this.#first();
    const heldOut = await this.#lossOn(first, "held out");
    // What holds on data that had no part in anything needs no choice.
    if (drop === undefined || !this.#fits(first) || within(heldOut, drop)) {
      return this.#described(first, heldOut);
    }
    const better = await this.#givenBack(first, heldOut, drop);
    return this.#described(better.candidate, better.heldOut);
  }

  /** As stated, where that fits size and time; else the nearest of the forms and mixes that do. */
  async #first(): Promise<Candidate> {
    const candidates = [await this.#try("as stated", this.stated)];
    const { maxSize, maxLatencyRatio } = this.options;
    if (this.#fits(candidates[0]!)) return candidates[0]!;
    const at = quantizeAt(this.stated);
    const { method: _, ...own } = this.stated[at]!;
    if (maxSize !== undefined && candidates[0]!.bytes > maxSize) {
      const mixed = await this.#mixed(maxSize);
      if (mixed) candidates.push(mixed);
    }
    const nothingStated = ["weights", "activations", "form", "layers"].every((name) => own[name] === undefined);
    if (nothingStated || maxLatencyRatio !== undefined) {
      for (const { form, recipe } of formsFor(this.services.target)) {
        const { method, ...options } = recipe[0] as unknown as StatedStep;
        const steps = this.stated.toSpliced(at, 1, { ...pick(own, ["keep", "only", "minimum"]), method, ...options });
        const candidate = await this.#possible(form, steps);
        if (candidate) candidates.push(candidate);
      }
    }
    const fitting = candidates.filter((one) => this.#fits(one));
    const best = (list: readonly Candidate[]) => list.reduce((a, b) => (b.drop < a.drop ? b : a));
    if (fitting.length > 0) return best(fitting);
    return maxSize === undefined
      ? candidates.reduce((a, b) => ((b.latencyRatio ?? 9) < (a.latencyRatio ?? 9) ? b : a))
      : candidates.reduce((a, b) => (b.bytes < a.bytes ? b : a));
  }

  #fits({ bytes, latencyRatio }: Trial): boolean {
    const { maxSize = Number.POSITIVE_INFINITY, maxLatencyRatio = Number.POSITIVE_INFINITY } = this.options;
    return bytes <= maxSize && (latencyRatio ?? 0) <= maxLatencyRatio;
  }

  /** Undefined for a form that is not possible for this model: that is said, and no failure. */
  async #possible(what: string, steps: Steps): Promise<Candidate | undefined> {
    try {
      return await this.#try(what, steps);
    } catch (error) {
      if (!(error instanceof PareError) || error.kind === "internal") throw error;
      this.#notes.push(info("form-not-possible", `${what} is not possible here: ${error.message}`, error.node));
      return undefined;
    }
  }

  async #try(what: string, steps: Steps, given: readonly Given[] = []): Promise<Candidate> {
    const { services, options } = this;
    services.signal?.throwIfAborted();
    services.onProgress?.({ task: `try ${what}`, done: this.#trials.length, total: 0 });
    const plan: readonly PlannedStep[] = parseRecipe(steps, options.methods);
    const made = await applyPlan(this.model, plan, services, options.verify ?? false);
    const bytes = layOutModel(made.model).byteLength;
    const tooLarge = bytes > (options.maxSize ?? Number.POSITIVE_INFINITY);
    const latencyRatio = tooLarge || options.maxLatencyRatio === undefined ? null : await this.#time(made.model);
    const first = { what, bytes, latencyRatio, steps, made, given };
    const loss = this.#fits({ ...first, loss: undefined, holds: false })
      ? await this.#lossOn(first, "choosing")
      : undefined;
    const drop = loss?.drop ?? Number.POSITIVE_INFINITY;
    const holds = loss !== undefined && (options.drop === undefined || within(loss, options.drop));
    const candidate = { ...first, loss, drop, holds };
    this.#trials.push({ what, bytes, loss, latencyRatio, holds });
    return candidate;
  }

  async #lossOn({ made }: Pick<Candidate, "made">, part: "choosing" | "held out"): Promise<Loss> {
    const { services, options } = this;
    const data = part === "choosing" ? this.#choosing : services.data;
    const chooseOn = options.chooseOn ?? (data.synthetic ? CHOOSE_ON.synthetic : CHOOSE_ON.real);
    const report: Report = await measure([this.model, made.model], {
      ...options,
      data,
      memory: services.memory,
      metrics: ["size", "fidelity", "accuracy"],
      limit: part === "choosing" ? chooseOn : data.synthetic ? CHOOSE_ON.synthetic : HELD_OUT,
    });
    for (const note of report.notes ?? []) if (note.level === "warning") this.#notes.push(note);
    return lossOf(report.models[1]!, report.models[0]!, report.data);
  }

  /** On the slowest engine of the target; null where it cannot be timed here. */
  async #time(made: Model): Promise<number | null> {
    const { timedOn } = this.services.target;
    let slowest: number | null = null;
    for (const engine of timedOn) {
      const report = await measure([this.model, made], {
        ...this.options,
        data: this.#choosing,
        ...(engine === "wasm" ? { provider: "wasm" as const } : {}),
        metrics: ["latency"],
        latencyBudgetMs: LATENCY_BUDGET_MS,
      });
      const ratio = report.models[1]!.latencyRatio;
      if (ratio !== null) slowest = Math.max(slowest ?? 0, ratio);
    }
    return slowest;
  }

  async #givenBack(candidate: Candidate, heldOut: Loss, drop: MaxDrop) {
    const measured = await this.#measured(candidate);
    if (measured === undefined) return { candidate, heldOut };
    return giveBack(candidate, heldOut, {
      moves: rankedMoves(measured, { float: candidate.made.float!, work: await this.#work(candidate) }),
      attempt: (what, steps, given) => this.#try(what, steps, given),
      fits: (one) => this.#fits(one),
      holdsOut: async (one) => {
        const loss = await this.#lossOn(one, "held out");
        return { loss, holds: within(loss, drop) };
      },
    });
  }

  async #measured({ made }: Candidate): Promise<Sensitivity | undefined> {
    if (made.float === undefined) return undefined;
    try {
      const switched = await switchedModel(made.float, made.model);
      if (switched.switches.length === 0) return undefined;
      return await sensitivity(switched, this.#choosing, this.services, { without: false });
    } catch (error) {
      if (!(error instanceof PareError) || error.kind === "internal") throw error;
      this.#notes.push(warning("not-ranked", `Layers could not be measured one by one: ${error.message}`));
      return undefined;
    }
  }

  /** Multiply-accumulates by node, where integer products give time that a float layer gives back. */
  async #work({ made, steps }: Candidate): Promise<ReadonlyMap<Node, number>> {
    const last = steps[quantizeAt(steps)]!;
    if (made.float === undefined || (last.activations ?? "float") === "float") return new Map();
    for await (const { feeds } of this.#choosing.samples({ limit: 1 })) {
      const { values } = await observe(made.float, { feeds }, this.services);
      return workOf(made.float, values).byNode;
    }
    return new Map();
  }

  /** Bits by sensitivity, measured where the differences show; undefined for forms whose width is fixed. */
  async #mixed(maxSize: number): Promise<Candidate | undefined> {
    const at = quantizeAt(this.stated);
    const step = this.stated[at]!;
    const [, family, digits] = /^(u?int)(\d+)$/.exec(String(step.weights ?? "int8")) ?? [];
    const widest = Number(digits);
    if (family === undefined || widest > 8 || widest < 3 || (step.activations ?? "float") !== "float") return undefined;
    const measuredBits = Math.min(4, widest);
    const probe = this.stated.toSpliced(at, 1, { ...step, weights: `${family}${measuredBits}` });
    const narrow = await this.#possible(`all in ${family}${measuredBits}`, probe);
    const measured = narrow && (await this.#measured(narrow));
    if (narrow === undefined || measured === undefined) return narrow;
    const elements = new Map(
      [...rankedMoves(measured, { float: narrow.made.float!, work: new Map() })].flatMap(bytesByName),
    );
    const layers = mixedLayers(measured, (name) => (elements.get(name) ?? 0) / 4);
    // What is no code: from the model in hand.
    let codes =
      maxSize - (narrow.bytes - layers.reduce((sum, one) => sum + (one.elements * (measuredBits + 0.5)) / 8, 0));
    let best: Candidate | undefined = narrow.bytes <= maxSize ? narrow : undefined;
    for (let tries = 0; tries < MIXES; tries++) {
      const mix = mixFor(layers, codes, { measuredBits, widest });
      if (mix === undefined) break;
      const candidate = await this.#try(describeMix(mix, family), withMix(this.stated, at, mix, family));
      if (candidate.bytes <= maxSize) return best !== undefined && best.drop < candidate.drop ? best : candidate;
      best ??= candidate;
      codes -= (candidate.bytes - maxSize) * 1.05 + 64;
    }
    return best;
  }

  #described(chosen: Candidate, heldOut: Loss): WithinResult {
    const { drop: limit, maxSize, maxLatencyRatio } = this.options;
    const unmet: string[] = [];
    if (maxSize !== undefined && chosen.bytes > maxSize)
      unmet.push(`size ${chosen.bytes} bytes, at most ${maxSize} asked for`);
    if (maxLatencyRatio !== undefined && (chosen.latencyRatio ?? 0) > maxLatencyRatio) {
      unmet.push(`time ${chosen.latencyRatio?.toFixed(2)} of the original's, at most ${maxLatencyRatio} asked for`);
    }
    if (limit !== undefined && !within(heldOut, limit)) {
      unmet.push(
        `${describeLoss(heldOut)} on held-out data, at most ${limit.relative ? `${limit.value * 100}%` : limit.value} asked for`,
      );
    }
    const notes = [
      ...this.services.notes,
      ...this.#notes,
      ...chosen.made.notes,
      ...doubts(heldOut, chosen.loss, limit),
    ];
    return {
      ...chosen.made,
      notes: notes.filter(
        (note, at) => notes.findIndex(({ text, node }) => text === note.text && node === note.node) === at,
      ),
      recipe: chosen.steps as unknown as Recipe,
      met: unmet.length === 0,
      unmet,
      bytes: chosen.bytes,
      chosenOn: chosen.loss,
      heldOut,
      latencyRatio: chosen.latencyRatio,
      reverted: chosen.given,
      trials: this.#trials,
    };
  }
}

/** What the samples leave open, where a limit holds by its point estimate only. */
function doubts(heldOut: Loss, chosenOn: Loss | undefined, limit: MaxDrop | undefined): Note[] {
  if (limit === undefined || !within(heldOut, limit)) return [];
  const { interval, samples, measure: what, before } = heldOut;
  const most = limit.value * (limit.relative ? Math.abs(before) : 1);
  const notes: Note[] = [];
  if (interval !== undefined && interval.high > most) {
    const text = `With ${samples} held-out samples the drop of ${what} may be as much as ${interval.high.toFixed(4)} (95%): more samples would tell.`;
    notes.push(info("few-samples", text));
  }
  if (chosenOn !== undefined && !within(chosenOn, limit)) {
    notes.push(info("parts-differ", `On the part for calibration the limit does not hold: ${describeLoss(chosenOn)}.`));
  }
  return notes;
}

const pick = (options: Readonly<Record<string, unknown>>, names: readonly string[]) =>
  Object.fromEntries(names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));

const bytesByName = ({ keep, bytes }: Move) => keep.map((name) => [name, bytes / keep.length] as const);
