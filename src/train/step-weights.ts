// Which weights a step trains, with what decay and rate, and which running statistics it keeps.

import { invalid } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import { ancestry } from "../ir/traverse.js";
import { elementCount } from "../tensor/dtype.js";
import { type Block, type Group, packedIn } from "./blocks.js";
import type { Emitter } from "./emitter.js";
import type { Prepared, RunningStatistics, TrainableWeight } from "./prepared.js";
import type { BatchStatistic } from "./step-forward.js";
import { weightMatcher } from "./weight-patterns.js";

export interface GroupChoice {
  /** Weights, as `train` names them. The first group that names a weight has it. */
  readonly pattern: string;
  /** Factor of the learning rate; default 1. */
  readonly lr?: number | undefined;
  /** Weight decay; default: that of the step, on all weights of the group. */
  readonly weightDecay?: number | undefined;
}

export interface WeightChoices {
  readonly train?: readonly string[] | undefined;
  readonly freeze?: readonly string[] | undefined;
  readonly groups?: readonly GroupChoice[] | undefined;
  readonly weightDecay?: number | undefined;
  readonly decayAll?: boolean | undefined;
}

/**
 * The weights that are asked for and that the losses, which read these values, depend on.
 * Throws `invalid("weights-none")` when none is left, `invalid("pattern-unmatched")`.
 */
export function trainedWeights(
  prepared: Prepared,
  reads: readonly string[],
  { train, freeze }: WeightChoices,
): { weights: TrainableWeight[]; notes: Note[] } {
  if (prepared.weights.length === 0) {
    throw invalid("weights-none", "The model has no weights that can be trained.", {
      expected: "float weights: initializers or Constant nodes that a layer reads",
      hint: "Weights that are stored as integers (int8 models) cannot be trained: take the model as it was before.",
    });
  }
  const wanted = train === undefined ? () => true : weightMatcher(prepared, train);
  const frozen = freeze === undefined ? () => false : weightMatcher(prepared, freeze);
  const asked = prepared.weights.filter((weight) => wanted(weight) && !frozen(weight));
  const { names } = ancestry(prepared.model.graph, reads);
  const weights = asked.filter(({ name }) => names.has(name));
  const notes = asked
    .filter(({ name }) => !names.has(name))
    .map(({ name }) => info("not-trained", "No loss depends on this weight: it stays as it is.", name));
  if (weights.length > 0) return { weights, notes };
  throw invalid("weights-none", "No weight is left to train.", {
    expected: `some of ${prepared.weights.length} weights, the first of them "${prepared.weights[0]!.name}"`,
    found: asked.length === 0 ? "train and freeze leave none" : "no loss depends on those that were chosen",
    hint: "Name other layers with train, or fewer with freeze.",
  });
}

/** By default no decay on vectors: biases and the scales of normalisation. https://arxiv.org/abs/1812.01187, section 3.1. */
export function groupsOf(prepared: Prepared, options: WeightChoices): (weight: TrainableWeight) => Group {
  const { weightDecay = 0, decayAll = false } = options;
  const groups = (options.groups ?? []).map(({ pattern, lr, weightDecay: own }) => ({
    test: weightMatcher(prepared, [pattern]),
    group: { rate: lr ?? 1, decay: own ?? weightDecay },
  }));
  return (weight) => {
    const named = groups.find(({ test }) => test(weight));
    return named?.group ?? { rate: 1, decay: decayAll || weight.dims.length > 1 ? weightDecay : 0 };
  };
}

/** Batch normalisations between the inputs and the losses. */
export function usedStatistics(prepared: Prepared, reads: readonly string[]): RunningStatistics[] {
  const { nodes } = ancestry(prepared.model.graph, reads);
  const used = new Set(nodes);
  return prepared.statistics.filter(({ node }) => used.has(node));
}

/** All running statistics in a row, as one state. */
export function statisticsBlock(prepared: Prepared, statistics: readonly RunningStatistics[]): Block | undefined {
  if (statistics.length === 0) return undefined;
  const names = statistics.flatMap(({ mean, variance }) => [mean, variance]);
  if (new Set(names).size < names.length) {
    throw invalid("statistics-shared", "Two batch normalisations share their running statistics.", {
      node: names.find((name, i) => names.indexOf(name) < i),
      hint: "Train with bn frozen.",
    });
  }
  const weights = names.map((name) => ({ name, source: name, dims: prepared.shapes.get(name)!.dims }));
  const size = weights.reduce((sum, { dims }) => sum + (dims[0] ?? 1), 0);
  return { name: "pare.statistics", group: { rate: 0, decay: 0 }, weights, dims: [size], packed: true };
}

/** The running statistics after a batch, all at once. */
export function movedStatistics(
  emit: Emitter,
  block: Block,
  state: string,
  moves: ReadonlyMap<string, BatchStatistic>,
): string {
  const each = (pick: (move: BatchStatistic) => number) => {
    const numbers = block.weights.flatMap(({ name, dims }) =>
      new Array<number>(elementCount(dims)).fill(pick(moves.get(name)!)),
    );
    return numbers.every((number) => number === numbers[0])
      ? emit.number(numbers[0]!)
      : emit.floats(block.dims, numbers);
  };
  const batch = packedIn(emit, block, ({ name }) => moves.get(name)!.batch);
  const kept = emit.mul(
    state,
    each(({ keep }) => keep),
  );
  return emit.add(
    kept,
    emit.mul(
      batch,
      each(({ share }) => share),
    ),
  );
}
