// The questions that a study answers: pairs of runs that differ in one choice alone, over the same samples.

import type { StudyAnswer, StudyMethod, StudyOutcome, StudyRecord, StudyRun } from "../../metrics/study-report.js";
import { CHANCE, MAGNITUDES, ONE_SHOT, type StudyGrid } from "./grid.js";
import { grouped } from "./grouped.js";
import { differ, meanDifference, spreadOf } from "./statistics.js";

interface Question {
  readonly question: string;
  readonly factor: "score" | "scope" | "schedule" | "weights";
  readonly first: string;
  readonly second: string;
}

/** Every question that the grid has both sides of, at every share where a pair of runs was finished. */
export function answersOf(
  runs: readonly StudyRun[],
  better: StudyRecord["better"],
  grid: StudyGrid,
): readonly StudyAnswer[] {
  return questionsOf(grid).flatMap((asked) =>
    grid.structures.flatMap((structure) =>
      ratiosOf(runs, structure).flatMap((ratio) => {
        const there = runs.filter((run) => run.method.structure === structure && run.ratio === ratio);
        return answerOf(asked, structure, ratio, pairsOf(asked, there), better) ?? [];
      }),
    ),
  );
}

const ratiosOf = (runs: readonly StudyRun[], structure: string): readonly number[] => {
  const own = runs.filter(({ method }) => method.structure === structure).map(({ ratio }) => ratio);
  return [...new Set(own)].sort((a, b) => a - b);
};

function questionsOf({ scores, scopes, schedules, weights }: StudyGrid): readonly Question[] {
  const magnitudes = MAGNITUDES.filter((name) => scores.includes(name));
  const others = scores.filter((name) => name !== CHANCE && !magnitudes.includes(name));
  const against = <F extends Question["factor"]>(
    factor: F,
    base: string | undefined,
    list: readonly string[],
    question: (name: string) => string,
  ): Question[] =>
    base === undefined || !list.includes(base)
      ? []
      : list
          .filter((name) => name !== base)
          .map((second) => ({ question: question(second), factor, first: base, second }));
  return [
    ...against("score", CHANCE, [CHANCE, ...magnitudes], (name) => `Does magnitude (${name}) beat random?`),
    ...against(
      "score",
      magnitudes[0],
      [...magnitudes.slice(0, 1), ...others],
      (name) => `Does ${name} beat magnitude?`,
    ),
    ...against("scope", "uniform", scopes, (name) => `Local or ${name}?`),
    ...against("schedule", ONE_SHOT, schedules, (name) => `One-shot or iterative (${name})?`),
    ...against("weights", "keep", weights, (name) => `Keep the weights or ${name}?`),
  ];
}

interface Finished {
  readonly record: StudyRecord;
  readonly outcome: StudyOutcome;
}
type Pair = readonly [first: Finished, second: Finished];

/** Runs that are equal but for the factor. A method that draws nothing ran once, and stands beside every seed. */
function pairsOf({ factor, first, second }: Question, all: readonly StudyRun[]): readonly Pair[] {
  // How chance is shared among layers, or grows, says nothing of how scores should be.
  const runs = factor === "score" ? all : all.filter(({ method }) => method.score !== CHANCE);
  const rest = (method: StudyMethod) => {
    // The number of steps follows from the schedule.
    const { steps, ...other } = method;
    return JSON.stringify({ ...other, [factor]: "", ...(factor !== "schedule" && { steps }) });
  };
  const finished = runs.filter(
    (run): run is StudyRun & Finished => run.record !== undefined && run.outcome !== undefined,
  );
  const side = (value: string) =>
    grouped(
      finished.filter(({ method }) => method[factor] === value),
      (run) => rest(run.method),
    );
  const [before, after] = [side(first), side(second)];
  return [...before].flatMap(([key, own]) => {
    const others = after.get(key) ?? [];
    const seeds = [...new Set([...own, ...others].map(({ seed }) => seed))];
    const of = (list: readonly (StudyRun & Finished)[], seed: number) =>
      list.find((run) => run.seed === seed) ?? (list.length === 1 ? list[0] : undefined);
    return seeds.flatMap((seed): Pair[] => {
      const [a, b] = [of(own, seed), of(others, seed)];
      return a && b ? [[a, b]] : [];
    });
  });
}

function answerOf(
  { question, first, second }: Question,
  structure: string,
  ratio: number,
  pairs: readonly Pair[],
  better: StudyRecord["better"],
): StudyAnswer | undefined {
  if (pairs.length === 0) return undefined;
  const sign = better === "higher" ? 1 : -1;
  const each = pairs.map(([a, b]) => differ(a.record.measured, b.record.measured));
  const difference = meanDifference(each);
  const sides = (of: (outcome: StudyOutcome) => number): [number, number] => [
    spreadOf(pairs.map(([a]) => of(a.outcome))).mean,
    spreadOf(pairs.map(([, b]) => of(b.outcome))).mean,
  ];
  return {
    question,
    structure,
    first,
    second,
    ratio,
    pairs: pairs.length,
    wins: each.filter(({ value }) => sign * value > 0).length,
    difference,
    verdict: verdictOf(
      each.map(({ value }) => sign * value),
      difference,
      sign,
    ),
    compression: sides(({ compression }) => compression),
    speedUp: sides(({ speedUp }) => speedUp),
  };
}

/** Only what the interval and every pair agree on; where there is no interval, every pair of at least three. */
function verdictOf(
  each: readonly number[],
  { value, low, high }: StudyAnswer["difference"],
  sign: number,
): StudyAnswer["verdict"] {
  const agree = each.every((one) => one > 0) || each.every((one) => one < 0);
  const sure = low === null || high === null ? each.length >= 3 : low > 0 || high < 0;
  if (!agree || !sure) return "unclear";
  return sign * value > 0 ? "better" : "worse";
}
