// Scores of one model: opened once, then asked weight by weight or group by group. Statistics that a score needs are collected
// at the first question, for all weights at once; scores of weights alone read one weight at a time, anew at each call.

import { internal, unsupported } from "../../base/errors.js";
import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Group, Place } from "../group/group.js";
import { type Activations, activationsOf } from "../statistics/activations.js";
import { openStatistics } from "../statistics/statistics.js";
import { sumSlices } from "./axes.js";
import { drawsOf, floats, type Layer, layersOf } from "./layers.js";
import { normalisations } from "./normalisations.js";
import type { ScoreOptions } from "./options.js";
import { reductions } from "./reductions.js";
import type { Score, ScoredWeight, Slices } from "./score.js";
import type { Solved, SolveGoal } from "./solve.js";

export interface Scores {
  /**
   * Importance of every element of a weight, in its own order: finite, not below 0. Throws `unsupported("score-unfit")` where the
   * score is of channels only, or `obstacle` says why nothing is known of this weight.
   */
  element(name: string): Promise<Float32Array>;
  /** Importance of every unit of a group: finite, not below 0. Throws `unsupported("score-unfit")` as above. */
  unit(group: Group, reduction?: string): Promise<Float64Array>;
  /** Why this score knows nothing of a weight, which should then be kept; ends the sentence "kept because ...". Runs nothing. */
  obstacle(name: string): string | undefined;
  /** The same for a group. */
  groupObstacle(group: Group): string | undefined;
  /**
   * Only of scores that update weights (sparsegpt): new values of a weight with zeros chosen, and the others changed so that
   * the layer's outputs stay near.
   */
  readonly solve?: (name: string, goal: SolveGoal) => Promise<Solved>;
  /** What was collected and on what; complete when all was asked. */
  readonly notes: readonly Note[];
  release(): Promise<void>;
}

/**
 * Opens the scores of `weights` (initializers of `model`, in any order) and of groups of them. Throws what collecting statistics
 * throws: `invalid("score-data")` for scores that need labels without any, `invalid("calibration-empty")`, refusals of training.
 */
export async function openScores(
  model: Model,
  weights: readonly string[],
  score: Score,
  options: ScoreOptions,
  context: StepContext,
): Promise<Scores> {
  const layers = layersOf(model);
  const seed = options.seed ?? context.seed ?? 0;
  const normalisation = normalisations.get(options.normalise ?? "none");
  const notes: Note[] = [];
  const wanted = weights.flatMap((name) => layers.get(name) ?? []);
  const statistics = await openStatistics(model, wanted, score, { ...options, seed }, context, notes);
  const layerOf = (name: string): Layer => {
    const layer = layers.get(name);
    if (layer === undefined) throw internal(`there is no float weight "${name}" to score`);
    return layer;
  };
  const scored = async (name: string): Promise<ScoredWeight> => {
    const { weight, ...layer } = layerOf(name);
    const values = await floats(name, weight.tensor);
    return { ...layer, values, random: drawsOf(seed, name), ...(await statistics.of(name)) };
  };
  const refuse = (name: string, reason: string) =>
    unsupported("score-unfit", `The score ${score.name} says nothing of "${name}": ${reason}.`, {
      node: name,
      hint: "Leave it as it is (keep), or take another score: l2 fits every weight.",
    });
  const obstacle = (name: string) => statistics.obstacle(layerOf(name));
  const members = (group: Group) => membersOf(group, layers).filter(({ value }) => obstacle(value) === undefined);
  const samples = options.scoreSamples ?? SAMPLES;
  let observed: Promise<ReadonlyMap<string, Activations>> | undefined;
  const activations = async (group: Group) => {
    const groups = options.groups?.some(({ name }) => name === group.name) ? options.groups : [group];
    if (groups === options.groups) observed ??= activationsOf(model, groups, samples, context, notes);
    return (await (groups === options.groups ? observed! : activationsOf(model, groups, samples, context, notes))).get(
      group.name,
    );
  };

  const groupObstacle = (group: Group) => {
    const known = score.unit === undefined ? members(group).length > 0 : (score.fits?.(group, model) ?? true);
    return known ? undefined : (score.lacking ?? "the score knows none of its weights");
  };

  return {
    notes,
    obstacle: (name) => (score.element === undefined ? "the score is of channels" : obstacle(name)),
    groupObstacle,
    async element(name) {
      if (score.element === undefined) throw refuse(name, "it is a score of channels, not of single weights");
      const why = obstacle(name);
      if (why !== undefined) throw refuse(name, why);
      const weight = await scored(name);
      const found = finite(score.element(weight));
      return finite(normalisation.apply(found, found.length));
    },
    async unit(group, reduction = options.reduction ?? "mean") {
      const why = groupObstacle(group);
      if (why !== undefined) throw refuse(group.name, why);
      const size = elementsOf(group, layers);
      const whole = await score.unit?.({
        group,
        model,
        random: drawsOf(seed, group.name),
        vector: (name) => floats(name, layerOf(name).weight.tensor),
        ...(score.needs.includes("activations") && { activations: await activations(group) }),
      });
      if (whole !== undefined) return finite(normalisation.apply(finite(whole), size));
      const found: Float64Array[] = [];
      for (const place of score.unit === undefined ? members(group) : []) {
        const weight = await scored(place.value);
        const slices = slicesOf(group, place, weight.dims);
        found.push(finite(score.slice?.(weight, slices) ?? sums(score.element!(weight), weight.dims, slices)));
      }
      return finite(normalisation.apply(finite(reductions.get(reduction).apply(found)), size));
    },
    ...(statistics.solve && { solve: statistics.solve }),
    release: () => statistics.release(),
  };
}

/** Default of `scoreSamples`. */
const SAMPLES = 512;

const sums = (elements: Float32Array, dims: readonly number[], slices: Slices) =>
  sumSlices(dims, slices, (at) => elements[at]!);

/** The matrices of a group: what makes its channels and what reads them. Vectors (biases, scales) follow them. */
const membersOf = (group: Group, layers: ReadonlyMap<string, Layer>): Place[] =>
  group.places.filter(
    ({ constant, role, value }) => constant && (role === "output" || role === "input") && layers.has(value),
  );

const elementsOf = (group: Group, layers: ReadonlyMap<string, Layer>): number =>
  [...new Set(membersOf(group, layers).map(({ value }) => value))].reduce(
    (sum, name) => sum + layers.get(name)!.weight.elements,
    0,
  );

function slicesOf({ units }: Group, { axis, positions, perUnit }: Place, dims: readonly number[]): Slices {
  const unitOf = new Int32Array(dims[axis]!).fill(-1);
  for (const [at, position] of positions.entries()) unitOf[position] = Math.floor(at / perUnit);
  return { axis, units, unitOf };
}

/** Never NaN (0 times infinity: what is never met is of no importance), never beyond float32, and no -0. */
function finite<Found extends Float32Array | Float64Array>(scores: Found): Found {
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i]!;
    if (!(score > 0)) scores[i] = 0;
    else if (score > LARGEST) scores[i] = LARGEST;
  }
  return scores;
}

/** The largest float32. */
const LARGEST = 3.4028234663852886e38;
