// What a study compares: the grid of methods, shares and draws, with the baselines that every comparison needs.

import { invalid } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { Method, Registry } from "../../base/registry.js";
import type { StudyMethod } from "../../metrics/study-report.js";
import { NO_SCOPE } from "./recipe.js";

export type WeightsChoice = StudyMethod["weights"];
export const WEIGHTS: readonly WeightsChoice[] = ["keep", "rewind", "reinit"];

export interface StudyGrid {
  readonly structures: readonly string[];
  readonly scores: readonly string[];
  readonly scopes: readonly string[];
  readonly schedules: readonly string[];
  /** Times that something goes, of schedules other than "one-shot". */
  readonly steps: number;
  readonly weights: readonly WeightsChoice[];
  /** Shares to remove, above 0 and below 1. */
  readonly ratios: readonly number[];
  readonly seeds: readonly number[];
}

/** One run that the study asks for. */
export interface StudyJob {
  readonly method: StudyMethod;
  readonly ratio: number;
  readonly seed: number;
}

/** What there is to choose from, and what rules a combination out. */
export interface StudyRules {
  readonly structures: Pick<Registry<Method>, "get">;
  readonly scores: Pick<Registry<Method>, "get">;
  readonly scopes: Pick<Registry<Method>, "get">;
  readonly schedules: Pick<Registry<Method>, "get">;
  /** The share that goes whatever is asked for, of structures that say it themselves: 0.5 of 2:4. */
  share(structure: string): number | undefined;
  /** Why a method cannot be run at a ratio, as the end of the sentence "... cannot be run: "; undefined: it can. */
  impossible(method: StudyMethod, ratio: number): string | undefined;
  /** Whether runs of other seeds could differ. */
  draws(method: StudyMethod): boolean;
}

/** What every comparison stands beside (Blalock et al., section 6): chance, and the oldest score there is. */
export const CHANCE = "random";
export const MAGNITUDES: readonly string[] = ["l1", "l2"];
export const ONE_SHOT = "one-shot";

const SHOWN = 6;

/**
 * The runs in the order in which they are made: seed by seed, so that what was stopped early covers the grid already.
 * Throws `invalid("study-options")` for a grid that is empty or holds what cannot be run, each by name, and what the
 * registries throw for unknown names.
 */
export function planStudy(
  given: StudyGrid,
  rules: StudyRules,
): { readonly grid: StudyGrid; readonly jobs: readonly StudyJob[]; readonly notes: readonly Note[] } {
  const notes: Note[] = [];
  const grid = { ...distinct(given), scores: withBaselines(given.scores, notes) };
  check(grid);
  for (const name of grid.structures) rules.structures.get(name);
  for (const name of grid.scores) rules.scores.get(name);
  for (const name of grid.scopes) rules.scopes.get(name);
  for (const name of grid.schedules) rules.schedules.get(name);
  const methods = methodsOf(grid, rules);
  const ratiosOf = ({ structure }: StudyMethod) => {
    const own = rules.share(structure);
    return own === undefined ? grid.ratios : [own];
  };
  refuse(methods, ratiosOf, rules);
  const fixed = methods.filter((method) => !rules.draws(method));
  if (fixed.length > 0 && grid.seeds.length > 1) {
    const text = `${fixed.length} of ${methods.length} methods draw nothing at random and train nothing: they run once, not with every seed.`;
    notes.push(info("study-no-draw", text));
  }
  const ratios = [...new Set(methods.flatMap(ratiosOf))].sort((a, b) => a - b);
  const jobs = grid.seeds.flatMap((seed, turn) =>
    ratios.flatMap((ratio) =>
      methods
        .filter((method) => ratiosOf(method).includes(ratio) && (turn === 0 || !fixed.includes(method)))
        .map((method) => ({ method, ratio, seed })),
    ),
  );
  return { grid, jobs, notes };
}

/** All methods of a grid, in the order of its lists. */
const methodsOf = (grid: StudyGrid, { share }: StudyRules): readonly StudyMethod[] =>
  grid.structures.flatMap((structure) =>
    grid.scores.flatMap((score) =>
      (share(structure) === undefined ? grid.scopes : [NO_SCOPE]).flatMap((scope) =>
        grid.schedules.flatMap((schedule) =>
          grid.weights.map((weights) => ({
            structure,
            score,
            scope,
            schedule,
            steps: schedule === ONE_SHOT ? 1 : grid.steps,
            weights,
          })),
        ),
      ),
    ),
  );

/** The parts in which the methods of a study differ, or all when it has but one. */
export function methodName(method: StudyMethod, grid: Omit<StudyGrid, "ratios" | "seeds" | "steps">): string {
  const parts = [
    [method.structure, grid.structures.length],
    [method.score, 2],
    [method.scope, grid.scopes.length],
    [method.schedule, grid.schedules.length],
    [method.weights, grid.weights.length],
  ] as const;
  return parts.flatMap(([name, choices]) => (choices > 1 ? [name] : [])).join(", ");
}

function withBaselines(scores: readonly string[], notes: Note[]): readonly string[] {
  const list = [...new Set(scores)];
  const add = (name: string, why: string) => {
    list.push(name);
    notes.push(info("study-baseline", `Score "${name}" was added: ${why}.`));
  };
  if (!list.some((name) => MAGNITUDES.includes(name)))
    add(MAGNITUDES[0]!, "every comparison needs magnitude beside it");
  if (!list.includes(CHANCE)) add(CHANCE, "every comparison needs chance beside it");
  return list;
}

const distinct = (grid: StudyGrid): StudyGrid => ({
  structures: [...new Set(grid.structures)],
  scores: [...new Set(grid.scores)],
  scopes: [...new Set(grid.scopes)],
  schedules: [...new Set(grid.schedules)],
  steps: grid.steps,
  weights: [...new Set(grid.weights)],
  ratios: [...new Set(grid.ratios)].sort((a, b) => a - b),
  seeds: [...new Set(grid.seeds)],
});

function check(grid: StudyGrid): void {
  for (const key of ["structures", "scopes", "schedules", "weights", "ratios", "seeds"] as const) {
    if (grid[key].length === 0)
      throw invalid("study-options", `The study has no ${key}.`, { expected: "at least one" });
  }
  const ratio = grid.ratios.find((one) => !(one > 0 && one < 1));
  if (ratio !== undefined) {
    throw invalid("study-options", `${ratio} is no share to remove.`, { expected: "above 0 and below 1, as 0.9" });
  }
  const weights = grid.weights.find((one) => !WEIGHTS.includes(one));
  if (weights !== undefined) {
    throw invalid("study-options", `There is no choice of weights "${weights}".`, { expected: WEIGHTS.join(", ") });
  }
  const seed = grid.seeds.find((one) => !Number.isSafeInteger(one) || one < 0);
  if (seed !== undefined) {
    throw invalid("study-options", `${seed} is no seed.`, { expected: "whole numbers from 0 on" });
  }
  const iterative = grid.schedules.find((name) => name !== ONE_SHOT);
  if (iterative !== undefined && !(Number.isSafeInteger(grid.steps) && grid.steps >= 2)) {
    throw invalid("study-options", `Schedule "${iterative}" takes several steps.`, {
      expected: "2 steps or more",
      found: String(grid.steps),
    });
  }
}

function refuse(
  methods: readonly StudyMethod[],
  ratiosOf: (method: StudyMethod) => readonly number[],
  rules: StudyRules,
): void {
  const found = methods.flatMap((method) => {
    const ratios = ratiosOf(method);
    const reasons = ratios.flatMap((ratio) => {
      const why = rules.impossible(method, ratio);
      return why === undefined ? [] : [{ ratio, why }];
    });
    if (reasons.length === 0) return [];
    const at = reasons.length === ratios.length ? "" : ` at ${reasons.map(({ ratio }) => ratio).join(", ")}`;
    return [{ name: `${Object.values(method).join(" ")}${at}`, why: reasons[0]!.why }];
  });
  if (found.length === 0) return;
  // One reason rules out many: each is told once, with the first that it meets.
  const reasons = [...new Set(found.map(({ why }) => why))];
  const lines = reasons.map((why) => {
    const same = found.filter((one) => one.why === why);
    return `${same[0]!.name}${same.length > 1 ? ` (and ${same.length - 1} more)` : ""}: ${why}`;
  });
  throw invalid("study-options", `${found.length} of ${methods.length} combinations cannot be run.`, {
    found: [...lines.slice(0, SHOWN), ...(lines.length > SHOWN ? [`and ${lines.length - SHOWN} more`] : [])].join("; "),
    hint: "Leave them out, or make two studies in one folder: what has been run is not run again.",
  });
}
