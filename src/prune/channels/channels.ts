// Channels that are cut out, in one go or in steps with training between: groups, what may go of them, how important it is, how
// much of each goes, the cut, and what went in the numbers of the original.
// Long because a run keeps what all of its steps share: groups of the original, what is left of them, the goal.

import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Feeds } from "../../tensor/value.js";
import { cutChannels } from "../cut/cut-channels.js";
import type { Group, Grouping, Removal } from "../group/group.js";
import { type Coupled, groupChannels } from "../group/group-channels.js";
import type { Plan } from "../plan.js";
import type { Item, Scope, ScopeContext } from "../scopes/scope.js";
import type { PruneRow } from "../table.js";
import { type Alive, goneOf, planOf, unitsOf } from "./alive.js";
import type { Amount, Measure } from "./amount.js";
import { type Candidate, type Chooser, chooser, everything, outOfReach, reach } from "./choose.js";
import { type Counts, type Forecast, forecast } from "./forecast.js";
import { isomorphisms } from "./isomorphic.js";
import { legal, type Ranked, ranked, scoresOf, type Weighed, weigh } from "./items.js";
import { searchTime } from "./latency-goal.js";
import { type LimitOptions, limitsOf } from "./limits.js";
import { type GroupRow, groupRows, layerRows, nothingToPrune } from "./rows.js";
import type { Time } from "./timing.js";
import type { OpenUnitScores } from "./unit-scores.js";

export interface ChannelOptions extends LimitOptions {
  readonly measure: Measure;
  readonly amount: Amount;
  readonly scope: Scope;
  readonly scopeOptions: Readonly<Record<string, unknown>>;
  /** Groups of the same form are ranked among themselves, not with all others. */
  readonly isomorphic: boolean;
}

export interface ChannelServices {
  /** Scores of the groups of a model, whose weights may have been trained since the last step. */
  readonly scores: OpenUnitScores;
  distance: ScopeContext["distance"];
  time: Time;
}

export interface Channels {
  /** What the goal says as a share of the original that goes; schedules count up to it. */
  readonly share: number;
  /**
   * Cuts a model that is the original, or what an earlier step made of it, whatever its weights are now, so that `share` of
   * the original is gone. Throws `invalid("goal-out-of-reach")`.
   */
  step(model: Model, share: number): Promise<{ readonly model: Model; readonly notes: readonly Note[] }>;
  /** All that is gone so far, in the original's numbers. */
  plan(): Plan;
  /** A row for each layer of the original. */
  table(): readonly PruneRow[];
  /** A row for each group: how many went, and why not more. */
  groups(): readonly GroupRow[];
  readonly macs: { readonly before: number; after(): number };
  /** Of the groups and options, said once. */
  readonly notes: readonly Note[];
}

/** Throws `invalid("pattern-unmatched" | "goal-out-of-reach" | "nothing-to-prune")`. */
export async function openChannels(
  original: Model,
  options: ChannelOptions,
  services: ChannelServices,
  context: StepContext,
): Promise<Channels> {
  const grouping = await groupsOf(original, context);
  const run = new Run(original, grouping, options, services, context);
  await run.settle();
  return {
    share: run.share,
    step: (model, share) => run.step(model, share),
    plan: () => planOf(grouping, run.alive),
    table: () => layerRows(grouping, run.forecast, run.groups()),
    groups: () => run.groups(),
    macs: {
      before: run.forecast.macs(new Map()),
      after: () => run.forecast.macs(goneOf(grouping, run.alive)),
    },
    notes: [...grouping.notes, ...run.notes],
  };
}

/** Groups at the shapes of the first sample, as it will run. */
export async function groupsOf(model: Model, context: StepContext): Promise<Coupled> {
  return groupChannels(model, context, { dims: context.dims, ...(await firstFeeds(context)) });
}

async function firstFeeds({ data }: StepContext): Promise<{ feeds?: Feeds }> {
  for await (const { feeds } of data.samples({ limit: 1 })) return { feeds };
  return {};
}

class Run {
  readonly alive: Alive;
  readonly forecast: Forecast;
  readonly weighed: readonly Weighed[];
  readonly notes: Note[] = [];
  /** Why no more goes of groups of which more might. */
  readonly stopped = new Map<string, string>();
  share = 0;
  readonly #formOf: (group: Group) => string;
  /** What the search for a latency found for the original: the first step may take it as it is. */
  #found: { readonly counts: Counts; readonly state: State } | undefined;

  constructor(
    readonly original: Model,
    readonly grouping: Coupled,
    readonly options: ChannelOptions,
    readonly services: ChannelServices,
    readonly context: StepContext,
  ) {
    this.alive = new Map(
      grouping.groups.map(({ name, units }) => [name, Array.from({ length: units }, (_, unit) => unit)]),
    );
    this.forecast = forecast(grouping);
    this.#formOf = isomorphisms(grouping);
    this.weighed = weigh(grouping, limitsOf(grouping, options, this.notes), this.forecast);
  }

  /** Finds what the goal means as a share of the original; refuses one that cannot be met before anything is done. */
  async settle(): Promise<void> {
    const { measure, amount } = this.options;
    if (this.weighed.every(({ most }) => most === 0)) throw nothingToPrune(this.weighed);
    if (measure === "channels" || measure === "macs" || measure === "bytes") {
      const whole = measure === "channels" ? 1 : this.#left(measure, new Map());
      this.share = "share" in amount ? amount.share : Math.max(0, 1 - amount.left / whole);
      if (measure === "channels") return;
      const most: Counts = new Map(this.weighed.map((limit) => [limit.group.name, legal(limit.most, 0, limit)]));
      const [least, target] = [this.#left(measure, most), whole * (1 - this.share)];
      if (least > target * (1 + 1e-9)) throw outOfReach(measure, target, least);
      return;
    }
    const state = await this.#open(this.original, this.grouping, 1);
    const { counts, share } = await this.#searchTime(state, undefined);
    this.#found = { counts, state };
    this.share = share;
  }

  async step(model: Model, share: number): Promise<{ model: Model; notes: readonly Note[] }> {
    const last = share >= this.share - 1e-9;
    const found = this.#found?.state.model === model && last ? this.#found : undefined;
    this.#found = undefined;
    const state =
      found?.state ??
      (await this.#open(model, await this.#regrouped(model), this.share === 0 ? 1 : share / this.share));
    const counts = found?.counts ?? (await this.#counts(state, share, last));
    const removal = this.#removal(state, counts);
    const cut = removal.size === 0 ? undefined : await cutChannels(state.grouping, removal, this.context);
    for (const [name, left] of leftOf(state, counts)) this.alive.set(name, left);
    return {
      model: cut?.model ?? model,
      notes: [...state.notes, ...(cut?.notes ?? [info("nothing-cut", "Nothing more had to go in this step.")])],
    };
  }

  groups(): readonly GroupRow[] {
    return groupRows(this.weighed, goneOf(this.grouping, this.alive), this.stopped);
  }

  async #regrouped(model: Model): Promise<Coupled> {
    return model === this.original ? this.grouping : groupsOf(model, this.context);
  }

  #left(measure: "macs" | "bytes", counts: Counts): number {
    return measure === "macs" ? this.forecast.macs(counts) : this.forecast.bytes(counts);
  }

  /** The groups of a model as they are now, with the scores of what is left of them. */
  async #open(model: Model, grouping: Coupled, progress: number): Promise<State> {
    const notes: Note[] = [];
    const taking = this.#taking(grouping, notes);
    const scores = await this.services.scores(
      grouping,
      taking.map(({ current }) => current),
    );
    const order = new Map<string, readonly Ranked[]>();
    const candidates: Candidate[] = [];
    try {
      for (const { weighed, current, left } of taking) {
        const { name, units } = weighed.group;
        const unknown = scores.obstacle(current);
        if (unknown !== undefined) {
          this.stopped.set(name, unknown);
          continue;
        }
        const importance = ranked(left, await scores.unit(current));
        order.set(name, importance);
        candidates.push(this.#candidate(weighed, { importance, gone: units - left.length, progress, grouping, model }));
      }
      notes.push(...scores.notes);
    } finally {
      await scores.release();
    }
    const context: ScopeContext = { ...this.context, distance: this.services.distance };
    return {
      model,
      grouping,
      candidates,
      order,
      notes,
      choose: chooser(candidates, this.options.scope, this.options.scopeOptions, context),
    };
  }

  /** Groups of which something may go, as they are in the model at hand. */
  #taking(grouping: Grouping, notes: Note[]) {
    const now = new Map(grouping.groups.map((group) => [group.name, group]));
    return this.weighed.flatMap((weighed) => {
      const { group, most } = weighed;
      const left = this.alive.get(group.name)!;
      if (most === 0) return [];
      const current = now.get(group.name);
      if (current?.units === left.length && !current.obstacle) return [{ weighed, current, left }];
      // One unit is no axis to cut any more; anything else is a change of the graph that nobody made here.
      if (left.length > 1) {
        const reason = current?.obstacle?.reason ?? "its channels hang together otherwise since the last step";
        notes.push(info("group-changed", `No more of it goes: ${reason}.`, group.name));
        this.stopped.set(group.name, reason);
      }
      return [];
    });
  }

  #candidate(
    weighed: Weighed,
    state: { importance: readonly Ranked[]; gone: number; progress: number; grouping: Coupled; model: Model },
  ): Candidate {
    const { group, ratio } = weighed;
    const { importance, gone, progress, grouping, model } = state;
    const scores = scoresOf(group.units, importance);
    const tried = new Map<number, Promise<Model>>();
    const without = async (count: number) => {
      const units = unitsOf(importance, count - gone, this.alive.get(group.name)!);
      if (units.length === 0) return model;
      return (await cutChannels(grouping, new Map([[group.name, units]]), this.context, { check: false })).model;
    };
    const item: Item = {
      name: group.name,
      cells: group.units,
      most: weighed.most,
      multiple: weighed.multiple,
      elements: this.options.measure === "channels" ? 1 : weighed.elements,
      bytes: weighed.bytes,
      macs: weighed.macs,
      shape: weighed.shape,
      ...(ratio !== undefined && { ratio: ratio * progress }),
      scores: async () => scores,
      without(count) {
        const made = tried.get(count) ?? without(count);
        tried.set(count, made);
        return made;
      },
    };
    const rank = this.options.isomorphic ? this.#formOf(group) : "";
    return { item, limit: weighed, gone, rank };
  }

  async #counts(state: State, share: number, last: boolean): Promise<Counts> {
    const { measure } = this.options;
    if (measure === "channels") return state.choose("elements", share);
    if (measure === "latency") {
      return last ? (await this.#searchTime(state, share)).counts : this.#reach(state, "macs", share);
    }
    return this.#reach(state, measure, share);
  }

  #reach({ candidates, choose }: State, measure: "macs" | "bytes", share: number): Promise<Counts> {
    const gone = goneOf(this.grouping, this.alive);
    const left = (counts: Counts) => this.#left(measure, new Map([...gone, ...counts]));
    return reach(candidates, choose, measure, left, this.#left(measure, new Map()) * (1 - share));
  }

  #searchTime(state: State, guess: number | undefined): Promise<{ counts: Counts; share: number }> {
    const { amount } = this.options;
    const gone = goneOf(this.grouping, this.alive);
    const before = this.#left("macs", new Map());
    const most = everything(state.candidates);
    const share = (counts: Counts) => 1 - this.#left("macs", new Map([...gone, ...counts])) / before;
    const all = share(most);
    const cut = async (counts: Counts) => {
      const removal = this.#removal(state, counts);
      return removal.size === 0
        ? state.model
        : (await cutChannels(state.grouping, removal, this.context, { check: false })).model;
    };
    return searchTime(
      {
        amount,
        from: share(new Map()),
        all,
        guess: guess ?? ("share" in amount ? amount.share : 0.5),
        counts: async (wanted) => (wanted >= all ? most : this.#reach(state, "macs", wanted)),
        time: async (counts) => this.services.time(await cut(counts)),
      },
      this.context,
    );
  }

  #removal({ order, candidates }: State, counts: Counts): Removal {
    const removal = new Map<string, readonly number[]>();
    for (const { limit, gone } of candidates) {
      const { name } = limit.group;
      const units = unitsOf(order.get(name)!, counts.get(name)! - gone, this.alive.get(name)!);
      if (units.length > 0) removal.set(name, units);
    }
    return removal;
  }
}

interface State {
  readonly model: Model;
  readonly grouping: Coupled;
  readonly candidates: readonly Candidate[];
  readonly order: ReadonlyMap<string, readonly Ranked[]>;
  readonly choose: Chooser;
  readonly notes: readonly Note[];
}

/** Of each group that takes part, what is left once so many are gone. */
function leftOf({ candidates, order }: State, counts: Counts): [string, readonly number[]][] {
  return candidates.map(({ limit: { group }, gone }) => {
    const left = order.get(group.name)!.slice(counts.get(group.name)! - gone);
    return [group.name, left.map(({ unit }) => unit).sort((a, b) => a - b)];
  });
}
