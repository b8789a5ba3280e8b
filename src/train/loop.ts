// The training loop: batches in, updates committed, held-out data looked at, checkpoints written. The engine works on a
// step while the next batches are made.
// Long because it is the order in which all of that happens, and what happens to it when it is stopped.

import { failed, internal } from "../base/errors.js";
import type { Note } from "../base/note.js";
import type { Dataset } from "../data/dataset.js";
import type { ResidentServices, ResidentSession } from "../engine/resident.js";
import { type PortInfo, UNFUSED } from "../engine/runtime.js";
import { sourceInMemory } from "../engine/session.js";
import type { Value } from "../tensor/value.js";
import { type Batch, type Batches, openBatches } from "./batches.js";
import { packCheckpoint, type TrainingKey, trainingKey, unpackCheckpoint } from "./checkpoint.js";
import { type Evaluation, evaluate } from "./evaluate.js";
import { runInterlude } from "./interlude.js";
import { learningRate } from "./learning-rate.js";
import type { LoopOptions, LoopState, TrainData, TrainLogEntry, TrainResult } from "./loop-options.js";
import { notFinite } from "./not-finite.js";
import { inRunOrder } from "./run-order.js";
import { nextScale, startScale } from "./scaling.js";
import { openSource } from "./source.js";
import type { StepGraph } from "./step.js";

/** Samples are kept in memory up to this share of what may be used. */
const KEPT_SHARE = 4;
/** A loss scale that overflows so often in a row does not recover. */
const MOST_OVERFLOWS = 40;

/**
 * Trains from the state graph's own weights. Gives the log line by line through `onEntry`. Throws
 * `invalid("data-too-small" | "data-shape" | "label-..." | "data-empty")`, `failed("training-nan")` when the loss or the
 * gradients are not finite, `invalid("checkpoint-...")`, `failed("training-stopped")` when the signal ended it and a
 * checkpoint was written, else the signal's reason.
 */
export async function train(
  step: StepGraph,
  data: TrainData,
  options: LoopOptions,
  services: ResidentServices,
  onEntry: (entry: TrainLogEntry) => void = () => {},
): Promise<TrainResult> {
  const loop = await Loop.open(step, data, options, services, onEntry);
  try {
    return await loop.run();
  } finally {
    await loop.release();
  }
}

/** What is fixed before the first step. */
interface Plan {
  readonly step: StepGraph;
  readonly held: Dataset | undefined;
  readonly supply: TrainData["supply"];
  readonly options: LoopOptions;
  readonly services: ResidentServices;
  readonly inputs: readonly PortInfo[];
  readonly batches: Batches;
  readonly session: ResidentSession;
  readonly key: TrainingKey;
  /** Batches of one update, updates in all, and updates of an epoch. */
  readonly group: number;
  readonly total: number;
  readonly epoch: number;
  readonly notes: readonly Note[];
  rate(update: number): number;
}

class Loop {
  readonly #plan: Plan;
  readonly #state: LoopState;
  readonly #onEntry: (entry: TrainLogEntry) => void;
  readonly #clock: Clock;
  #best: ReadonlyMap<string, Value> | undefined;

  private constructor(
    plan: Plan,
    state: LoopState,
    best: ReadonlyMap<string, Value> | undefined,
    onEntry: (entry: TrainLogEntry) => void,
  ) {
    this.#plan = plan;
    this.#state = state;
    this.#best = best;
    this.#onEntry = onEntry;
    this.#clock = new Clock(plan.services);
  }

  static async open(
    step: StepGraph,
    data: TrainData,
    options: LoopOptions,
    services: ResidentServices,
    onEntry: (entry: TrainLogEntry) => void,
  ): Promise<Loop> {
    const { seed, lastBatch, checkpoint } = options;
    const budget = (services.memory ?? 2 ** 30) / KEPT_SHARE;
    const source = await openSource(data.train, { seed, budget, signal: services.signal });
    const inputs = inputsOf(step);
    const { supply } = data;
    const batches = await openBatches(step, inputs, source, { lastBatch, seed, name: data.train.name, supply });
    const group = options.accumulate ?? 1;
    const total = options.steps ?? Math.max(1, Math.floor(((options.epochs ?? 1) * batches.perEpoch) / group));
    const initial = Object.fromEntries(
      await Promise.all(step.state.map(async (slot) => [slot.input, await slot.initial()] as const)),
    );
    const graph = await sourceInMemory(inRunOrder(step.model));
    const runtime = await services.runtime();
    const sessionOptions = {
      config: UNFUSED,
      ...(services.threads === undefined ? {} : { threads: services.threads }),
      ...options.session,
    };
    const key = await trainingKey(
      step,
      graph,
      initial,
      options,
      { data: data.train.name, samples: source.size, held: data.held?.name },
      {
        runtime: `${runtime.name} ${runtime.version}`,
        provider: sessionOptions.provider ?? runtime.provider,
        threads: sessionOptions.threads,
      },
    );
    const slots = step.state.map(({ input, output, shape }) => ({ input, output, ...shape }));
    const resumed = options.resume ? unpackCheckpoint(...(await present(checkpoint)), key, slots) : undefined;
    const state: LoopState = resumed?.loop ?? {
      batch: 0,
      updates: 0,
      skipped: 0,
      overflows: 0,
      ...(options.scaling ? { scale: startScale(options.scaling) } : {}),
      partial: nothing(),
      looks: 0,
      log: [],
    };
    const { warmup = 0, ...schedule } = options.schedule;
    const rate = learningRate(
      { ...schedule, name: schedule.name as string, warmup: warmup < 1 ? Math.round(warmup * total) : warmup },
      options.lr,
      total,
    );
    // Last: from here on there is something to give back.
    const session = await services.resident(graph, slots, resumed?.state ?? initial, sessionOptions);
    const epoch = Math.max(1, Math.floor(batches.perEpoch / group));
    const notes = [...source.notes, ...(resumed?.notes ?? [])];
    const fixed = {
      step,
      held: data.held,
      supply,
      options,
      services,
      inputs,
      batches,
      session,
      key,
      group,
      total,
      epoch,
    };
    return new Loop({ ...fixed, notes, rate }, state, resumed?.best, onEntry);
  }

  async run(): Promise<TrainResult> {
    const { total, group, services, options, epoch } = this.#plan;
    const state = this.#state;
    const checkpointEvery = options.checkpointEvery ?? epoch;
    let patience = this.#patient();
    while (state.batch < total * group && patience) {
      if (services.signal?.aborted) await this.#stop();
      const done = await this.#step();
      if (!done) continue;
      const number = state.batch / group;
      patience = this.#patient();
      if (number % checkpointEvery === 0 && number < total && patience) await this.#checkpoint();
    }
    await this.#checkpoint();
    const { best, skipped, log } = state;
    return {
      weights: this.#best ?? (await this.#weights()),
      log,
      ...(best === undefined ? {} : { best: { step: best.step, held: best.held } }),
      stopped: state.reached ? "target" : state.batch < total * group ? "patience" : "finished",
      skipped,
      notes: this.#plan.notes,
    };
  }

  async release(): Promise<void> {
    await this.#plan.session.release();
    await this.#plan.batches.finish();
  }

  /** One batch. True when it completed an update, or ended one by its overflow. */
  async #step(): Promise<boolean> {
    const { step, batches, session, group, total, options, rate } = this.#plan;
    const state = this.#state;
    const place = state.batch % group;
    const batch = await batches.ahead(state.batch, total * group - 1);
    const lr = rate(state.updates);
    const progress = state.updates / Math.max(1, total - 1);
    const more = { lossScale: state.scale?.scale ?? 1, apply: place === group - 1, fresh: place === 0, progress };
    const scalars = step.scalarsAt(state.updates + 1, lr, more);
    const found = figures(await session.run({ ...batch.feeds, ...scalarFeeds(scalars) }, scalarResults(step)));
    const { loss = Number.NaN, gradient_norm: gradientNorm = Number.NaN, finite = 1, ...rest } = found;
    if (finite !== 1 || !Number.isFinite(loss)) {
      state.overflows++;
      if (state.scale === undefined || state.overflows >= MOST_OVERFLOWS) await this.#notFinite(scalars);
      await this.#entry({ loss, lr, gradientNorm, lossScale: more.lossScale, skipped: true, ...named(rest) }, batch);
      state.scale = nextScale(state.scale!, false, options.scaling);
      state.skipped++;
      state.partial = nothing();
      // What the update would have been made of is left: the next begins at its own first batch.
      state.batch += group - place;
      return true;
    }
    session.commit();
    state.overflows = 0;
    const { partial } = state;
    partial.loss += loss * batch.samples;
    partial.samples += batch.samples;
    for (const [name, value] of Object.entries(rest)) {
      partial.losses[name] = (partial.losses[name] ?? 0) + value * batch.samples;
    }
    state.batch++;
    if (!more.apply) return false;
    state.updates++;
    const means = Object.entries(partial.losses).map(([name, sum]) => [name, sum / partial.samples] as const);
    const scale = state.scale === undefined ? {} : { lossScale: state.scale.scale };
    if (state.scale !== undefined) state.scale = nextScale(state.scale, true, options.scaling);
    const mean = partial.loss / partial.samples;
    await this.#entry({ loss: mean, lr, gradientNorm, ...scale, ...named(Object.fromEntries(means)) }, batch);
    return true;
  }

  /** Writes the line of an update, after looking at the held-out data where it is time. */
  async #entry(
    line: Pick<TrainLogEntry, "loss" | "lr" | "gradientNorm" | "lossScale" | "skipped" | "losses" | "figures">,
    batch: Batch,
  ): Promise<void> {
    const { group, total, options, batches, services, epoch, held: data } = this.#plan;
    const state = this.#state;
    // A skipped update has not moved on yet.
    const number = line.skipped ? Math.floor(state.batch / group) + 1 : state.batch / group;
    await this.#interlude(number);
    const { samplesPerSecond, secondsLeft } = this.#clock.lap(
      line.skipped ? batch.samples : state.partial.samples,
      total - number,
    );
    const every = options.evaluateEvery ?? epoch;
    const look = data !== undefined && (number % every === 0 || number === total);
    const held = look ? { held: await this.#look(number) } : {};
    if (look) this.#clock.start();
    const passed = (number * group) / batches.perEpoch;
    const entry: TrainLogEntry = {
      step: number,
      steps: total,
      epoch: passed,
      ...line,
      ...held,
      samplesPerSecond,
      secondsLeft,
    };
    if (!line.skipped) state.partial = nothing();
    state.log.push(entry);
    this.#onEntry(entry);
    services.onProgress?.({ task: "train", done: number, total });
  }

  /** Also after an update that was skipped: its turn does not come again. */
  async #interlude(number: number): Promise<void> {
    const { step, session, total, options } = this.#plan;
    const { interlude } = options;
    if (interlude?.isDue(number, total)) await runInterlude(interlude, step, session, number, total);
  }

  async #look(number: number): Promise<Evaluation & { readonly best: boolean }> {
    const { step, inputs, held: data, supply, services, options } = this.#plan;
    const state = this.#state;
    const weights = await this.#weights();
    const { evaluateLimit: limit, session, minDelta = 0, target } = options;
    // A stop waits for the next batch: what was begun here is finished, so that a resumed run has the same log.
    const quiet: ResidentServices = { ...services, signal: undefined };
    const held = await evaluate(step, inputs, weights, data!, quiet, { limit, session, supply });
    if (number < this.#chooseFrom()) return { ...held, best: false };
    const sign = held.metric?.better === "higher" ? 1 : -1;
    const score = sign * (held.metric?.value ?? held.loss);
    if (target !== undefined && score >= sign * target) state.reached = true;
    const best = state.best === undefined || score > state.best.score + minDelta;
    if (best) {
      state.best = { step: number, score, held };
      this.#best = weights;
    }
    state.looks = best ? 0 : state.looks + 1;
    return { ...held, best };
  }

  /** The first update whose weights may be what comes out. */
  #chooseFrom(): number {
    const { options, total } = this.#plan;
    return options.choose === "last" ? total : (options.interlude?.last(total) ?? 0);
  }

  #patient(): boolean {
    const { patience } = this.#plan.options;
    if (this.#state.reached) return false;
    return patience === undefined || this.#state.looks < patience;
  }

  /** Trained weights and statistics; the averages where the step keeps them. */
  async #weights(): Promise<Map<string, Value>> {
    const { step, session } = this.#plan;
    const averaged = step.state.some(({ kind }) => kind === "average");
    const kinds = averaged ? ["average", "statistics"] : ["weight", "statistics"];
    const names = step.state.filter(({ kind }) => kinds.includes(kind)).map(({ input }) => input);
    return step.weights(await session.read(names), averaged);
  }

  async #checkpoint(): Promise<boolean> {
    const { options, session, key } = this.#plan;
    if (options.checkpoint === undefined) return false;
    const checkpoint = { state: await session.read(), best: this.#best, loop: this.#state };
    await options.checkpoint.write(packCheckpoint(key, checkpoint));
    return true;
  }

  async #stop(): Promise<never> {
    const { services, options, group, total } = this.#plan;
    const reason: unknown = services.signal?.reason;
    if (!(await this.#checkpoint())) throw reason;
    const done = Math.floor(this.#state.batch / group);
    const { name = "the checkpoint" } = options.checkpoint!;
    throw failed(
      "training-stopped",
      `Training was stopped after ${done} of ${total} steps; ${name} holds what was reached.`,
      {
        hint: "The same command with --resume goes on from there.",
        cause: reason,
      },
    );
  }

  async #notFinite(scalars: Readonly<Record<string, number>>): Promise<never> {
    const { step, batches, session, group, options, services } = this.#plan;
    const { batch: number, overflows } = this.#state;
    const trace = async () => ({
      ...(await batches.make(number)).feeds,
      ...scalarFeeds(scalars),
      ...(await session.read()),
    });
    throw await notFinite(step, options.findNan === false ? undefined : trace, services, {
      update: Math.floor(number / group) + 1,
      overflows,
      lossScale: this.#state.scale?.scale,
    });
  }
}

/** Samples a second over the last updates, and the time that the rest will take. */
class Clock {
  readonly #now: () => number;
  #since: number;
  #rate: number | undefined;
  #pace: number | undefined;

  constructor({ now }: ResidentServices) {
    this.#now = now;
    this.#since = now();
  }

  start(): void {
    this.#since = this.#now();
  }

  lap(samples: number, left: number): { samplesPerSecond: number; secondsLeft: number } {
    const now = this.#now();
    const seconds = Math.max(1e-6, (now - this.#since) / 1000);
    this.#since = now;
    // The last ten or so: the first is slow, and machines change.
    const smooth = (before: number | undefined, value: number) =>
      before === undefined ? value : 0.9 * before + 0.1 * value;
    this.#pace = smooth(this.#pace, seconds);
    this.#rate = smooth(this.#rate, samples / seconds);
    return { samplesPerSecond: this.#rate, secondsLeft: this.#pace * left };
  }
}

const nothing = (): LoopState["partial"] => ({ loss: 0, samples: 0, losses: {} });

/** Losses by their names, and what else a step tells. */
function named(rest: Readonly<Record<string, number>>): Pick<TrainLogEntry, "losses" | "figures"> {
  const all = Object.entries(rest);
  const losses = all
    .filter(([name]) => name.startsWith("loss."))
    .map(([name, value]) => [name.slice(5), value] as const);
  const others = all.filter(([name]) => !name.startsWith("loss."));
  return {
    ...(losses.length > 0 ? { losses: Object.fromEntries(losses) } : {}),
    ...(others.length > 0 ? { figures: Object.fromEntries(others) } : {}),
  };
}

const scalarFeeds = (scalars: Readonly<Record<string, number>>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(scalars).map(([name, value]) => [
      name,
      { dtype: "float32", dims: [], data: Float32Array.of(value) },
    ]),
  );

const figures = (values: Readonly<Record<string, Value>>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, { data }]) => [name, Number(data[0])]));

/** Results of one number: those that are logged at every step. */
function scalarResults({ model, results }: StepGraph): string[] {
  const wanted = new Set(results);
  return model.graph.outputs
    .filter(({ name, type }) => wanted.has(name) && type?.kind === "tensor" && type.shape?.length === 0)
    .map(({ name }) => name);
}

export function inputsOf({ model, feeds }: StepGraph): PortInfo[] {
  return feeds.map((name) => {
    const type = model.graph.inputs.find((one) => one.name === name)?.type;
    if (type?.kind !== "tensor" || type.shape === undefined) throw internal(`the step has no input "${name}"`);
    return { name, dtype: type.dtype, shape: type.shape as number[] };
  });
}

async function present(store: LoopOptions["checkpoint"]): Promise<[Uint8Array, string]> {
  const name = store?.name ?? "The checkpoint";
  const bytes = await store?.read();
  if (bytes !== undefined) return [bytes, name];
  throw failed("checkpoint-missing", `There is no checkpoint to go on from.`, {
    node: store?.name,
    hint: "Start without resuming.",
  });
}
