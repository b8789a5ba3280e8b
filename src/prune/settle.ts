// What stated options come to: methods with their options, one goal, one schedule; and what contradicts or would do nothing.

import { invalid } from "../base/errors.js";
import type { Method, Registry } from "../base/registry.js";
import type { PruneOptions } from "./options.js";
import { pruningSchedules } from "./schedules/index.js";
import type { PruningSchedule } from "./schedules/schedule.js";
import { scopes } from "./scopes/index.js";
import type { Goal, Scope } from "./scopes/scope.js";
import { type Score, scores } from "./scores/index.js";
import { structures } from "./structures/index.js";
import type { Structure } from "./structures/structure.js";

/** A method and its options, defaults filled in. */
export interface Chosen<M extends Method> {
  readonly method: M;
  readonly options: Readonly<Record<string, unknown>>;
}

/** What shall go, as the user wrote it. */
export interface StatedGoal {
  readonly measure: "ratio" | "macs" | "bytes" | "latency";
  readonly amount: number | string;
}

export interface Settled {
  readonly structure: Chosen<Structure>;
  readonly score: Chosen<Score>;
  readonly scope: Chosen<Scope>;
  readonly goal: StatedGoal;
  readonly schedule: PruningSchedule;
  readonly steps: number;
}

const wrong = (message: string, hint: string) => invalid("prune-options", message, { hint });

/** Throws `invalid("prune-options")`. */
export function settle(options: PruneOptions): Settled {
  const structure = chosenStructure(options.structure);
  const settled: Settled = {
    structure,
    score: chosen(scores, options.score),
    scope: chosen(scopes, options.scope),
    goal: goalOf(options),
    ...scheduleOf(options),
  };
  if (options.gradual) checkGradual(settled, options);
  if (structure.method.kind === "mask") checkMask(settled, options);
  if (structure.method.kind === "graph") checkGraph(settled, options);
  return settled;
}

function chosen<M extends Method>(list: Registry<M>, stated: string | { readonly name: string }): Chosen<M> {
  const { name, ...options } = typeof stated === "string" ? { name: stated } : stated;
  const method = list.get(name);
  return { method, options: method.options?.parse(options) ?? {} };
}

/** "2:4" and "4x4" are what people write. */
function chosenStructure(stated: PruneOptions["structure"]): Chosen<Structure> {
  const [, first, sign, second] = (typeof stated === "string" && /^(\d+)([:x])(\d+)$/.exec(stated)) || [];
  if (first === undefined) return chosen(structures, stated);
  const [a, b] = [Number(first), Number(second)];
  if (sign === "x") {
    if (a * b > 1) return chosen(structures, { name: "block", rows: a, columns: b } as { name: string });
    throw wrong(`Blocks of ${stated} are single elements, or none.`, "Take structure unstructured.");
  }
  if (a >= 1 && a < b && b <= 1024) return chosen(structures, { name: "n-m", keep: a, of: b } as { name: string });
  throw wrong(`Of every ${b} elements ${a} cannot stay so that some go.`, "Write as many as stay first: 2:4.");
}

function goalOf(options: PruneOptions): StatedGoal {
  const stated = (["ratio", "macs", "bytes", "latency"] as const).filter((name) => options[name] !== undefined);
  if (stated.length > 1) {
    throw wrong(`${stated.join(" and ")} each say how much shall go.`, "State one of them.");
  }
  const [measure = "ratio"] = stated;
  return { measure, amount: options[measure] ?? 0.5 };
}

function scheduleOf({ schedule, steps }: PruneOptions): Pick<Settled, "schedule" | "steps"> {
  if (schedule === "one-shot" && steps !== undefined && steps > 1) {
    throw wrong("The schedule one-shot has one step.", "Leave steps out, or take schedule cubic.");
  }
  if (schedule !== undefined && schedule !== "one-shot" && (steps ?? 1) === 1) {
    throw wrong(`The schedule ${schedule} needs steps to grow in.`, "State steps, as 5.");
  }
  const name = schedule ?? ((steps ?? 1) > 1 ? "cubic" : "one-shot");
  return { schedule: pruningSchedules.get(name), steps: steps ?? 1 };
}

/** Zeros are written while weights are trained: one training, whose schedule is that of gradual. */
function checkGradual(
  { structure }: Settled,
  { finetune, steps, schedule, weights, recovered, plan }: PruneOptions,
): void {
  if (structure.method.kind !== "mask" || plan !== undefined) {
    throw wrong("Gradual pruning writes zeros while training: channels are cut between trainings.", "State steps.");
  }
  if (finetune === undefined) throw wrong("Gradual pruning is done while training.", "Say how to train: finetune.");
  if (steps !== undefined || schedule !== undefined) {
    throw wrong("Gradual pruning has a schedule of its own.", "State schedule and every in gradual.");
  }
  if (weights !== "keep" || recovered !== undefined) {
    throw wrong("Gradual pruning is one training of the weights as they are.", "Leave weights and recovered out.");
  }
}

/** Share of the weights, or of the multiply-accumulates, that zeros take. Throws as `settle`. */
export function maskGoal({ goal: { measure, amount }, structure }: Pick<Settled, "goal" | "structure">): Goal {
  const { keep, of } = structure.options as { keep?: number; of?: number };
  if (keep !== undefined && of !== undefined) return { measure: "elements", share: 1 - keep / of };
  const share = typeof amount === "number" ? amount : shareOf(amount);
  if (share !== undefined && share > 0 && share < 1)
    return { measure: measure === "macs" ? "macs" : "elements", share };
  throw wrong(
    `"${amount}" is no share of the ${measure === "macs" ? "multiply-accumulates" : "weights"} that could become zero.`,
    'Write "50%" or 0.5; how many may stay is said of channels only.',
  );
}

function shareOf(text: string): number | undefined {
  const [, number, percent] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text.trim()) ?? [];
  return number === undefined ? undefined : Number(number) / (percent ? 100 : 1);
}

/** Zeros in weights: the file may be smaller once they are stored sparse, nothing else. */
function checkMask({ structure, score, scope, goal }: Settled, options: PruneOptions): void {
  const { name } = structure.method;
  const idle = (["roundTo", "maxRatio", "isomorphic"] as const).filter((option) => options[option] !== undefined);
  if (idle.length > 0) {
    throw wrong(
      `${idle.join(" and ")} is about channels that are cut out: structure ${name} writes zeros.`,
      "Leave it out, or take structure channel.",
    );
  }
  if (goal.measure === "latency") {
    throw wrong(
      `Zeros take the time of other numbers: structure ${name} makes no model faster.`,
      "Take structure channel for a goal of latency, or state ratio.",
    );
  }
  if (goal.measure === "bytes") {
    throw wrong(
      `How many bytes zeros save depends on how they are stored afterwards: structure ${name} has no goal of bytes.`,
      "State ratio, or take structure channel.",
    );
  }
  if (score.method.element === undefined) {
    throw wrong(
      `The score ${score.method.name} is one of channels: it says nothing of single weights.`,
      "Take l1, or structure channel.",
    );
  }
  if (name !== "n-m") return;
  // Every group gives the same: there is nothing to share among layers.
  const { keep, of } = structure.options as { keep: number; of: number };
  if (goal.measure === "macs" || options.ratio !== undefined) {
    throw wrong(
      `${keep}:${of} says how much goes: ${of - keep} of every ${of}. ${goal.measure} would do nothing.`,
      `Leave ${goal.measure} out, or take structure unstructured.`,
    );
  }
  if (scope.method.name !== "global") {
    throw wrong(`Every layer gives ${of - keep} of every ${of}: scope would do nothing.`, "Leave scope out.");
  }
  if (Object.values(options.layers).some((ratio) => ratio > 0)) {
    throw wrong("Layers give what the pattern says, or nothing.", "Use 0 in layers, or the option keep.");
  }
}

/** Blocks and rows of tables have scores of their own, and no layers to share a goal among. */
function checkGraph({ structure }: Settled, options: PruneOptions): void {
  const { name } = structure.method;
  const idle = (["roundTo", "maxRatio", "isomorphic"] as const).filter((option) => options[option] !== undefined);
  const patterns = [
    ...(options.only.length > 0 ? ["only"] : []),
    ...(Object.keys(options.layers).length > 0 ? ["layers"] : []),
  ];
  const unread = [
    ...idle,
    ...patterns,
    ...(options.score !== "l1" ? ["score"] : []),
    ...(options.scope !== "global" ? ["scope"] : []),
  ];
  if (unread.length === 0) return;
  throw wrong(`${unread.join(" and ")} would do nothing: structure ${name} does not read it.`, "Leave it out.");
}
