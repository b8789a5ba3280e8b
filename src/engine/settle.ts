// Finds sizes with which the model runs: binds, runs once, and where a guessed size is refused tries the next.

import { PareError } from "../base/errors.js";
import { info } from "../base/note.js";
import type { Model } from "../ir/model.js";
import type { Feeds } from "../tensor/value.js";
import { type Binding, bindDims, type GuessedDim, type StatedDims } from "./dims.js";

/** Trials at most; each is one run that fails early or one that succeeds. */
const TRIALS = 60;

/**
 * A binding under which `attempt` (a run of the model) succeeds, and what it gave. Sizes that were guessed are replaced one after the other by their candidates,
 * equal guesses of one kind (height and width) together. Throws the first error when nothing runs.
 */
export async function settleDims<T>(
  model: Model,
  stated: StatedDims,
  makeFeeds: (binding: Binding) => Feeds,
  attempt: (feeds: Feeds) => Promise<T>,
): Promise<{ readonly binding: Binding; readonly feeds: Feeds; readonly result: T }> {
  const first = bindDims(model, stated);
  let refused: unknown;
  let trials = 0;
  for (const change of changes(first)) {
    if (trials++ >= TRIALS) break;
    const binding = Object.keys(change).length === 0 ? first : rebind(model, stated, change, first);
    const feeds = makeFeeds(binding);
    try {
      return { binding, feeds, result: await attempt(feeds) };
    } catch (error) {
      // The first refusal says most: later ones are about sizes that were tried at random.
      refused ??= error;
      if (!isAboutShapes(error)) throw refused;
    }
  }
  throw refused;
}

/** Sizes to try: none, then each group of guesses by itself, then pairs of groups. */
function* changes(binding: Binding): Generator<Readonly<Record<string, number>>> {
  yield {};
  const groups = grouped([...binding.guessed.values()]);
  for (const group of groups) yield* group;
  for (let i = 0; i < groups.length; i++) {
    for (let j = i + 1; j < groups.length; j++) {
      for (const one of groups[i]!.slice(0, 6)) for (const other of groups[j]!.slice(0, 6)) yield { ...one, ...other };
    }
  }
}

function grouped(guessed: readonly GuessedDim[]): Readonly<Record<string, number>>[][] {
  const byKind = new Map<string, GuessedDim[]>();
  for (const dim of guessed) {
    const kind = `${dim.size}:${dim.candidates.join()}`;
    byKind.set(kind, [...(byKind.get(kind) ?? []), dim]);
  }
  const groups = [...byKind.values()];
  // Batches last: they are seldom the reason.
  groups.sort((a, b) => Number(a[0]!.size === 1) - Number(b[0]!.size === 1));
  return groups.map((dims) =>
    dims[0]!.candidates
      .filter((size) => size !== dims[0]!.size)
      .map((size) => Object.fromEntries(dims.map(({ key }) => [key, size]))),
  );
}

function rebind(model: Model, stated: StatedDims, change: Readonly<Record<string, number>>, first: Binding): Binding {
  const binding = bindDims(model, { ...stated, ...change });
  const notes = Object.entries(change).map(([key, size]) =>
    info("dim-guessed", `Dimension ${key} is taken as ${size}: the model refuses ${first.guessed.get(key)!.size}.`),
  );
  return { ...binding, guesses: [...binding.guesses, ...notes] };
}

/** A run that failed because of what was fed; a lack of memory or a missing kernel is not cured by another size. */
const isAboutShapes = (error: unknown) =>
  error instanceof PareError && (error.code === "engine-shape" || error.code === "engine-run-failed");
