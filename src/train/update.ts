// From gradients to the next weights: unscaled, accumulated, clipped, the optimizer's step, projections, the average.

import { type Block, packedIn } from "./blocks.js";
import type { Constraint } from "./constraint.js";
import type { Emitter } from "./emitter.js";
import type { Optimizer } from "./optimizers/optimizer.js";
import type { TrainableWeight } from "./prepared.js";

export interface UpdateOptions {
  readonly optimizer: Optimizer;
  readonly settings: Record<string, unknown>;
  readonly clipNorm: number | undefined;
  readonly clipValue: number | undefined;
  readonly average: number | undefined;
  readonly constraints: readonly Constraint[];
}

export interface UpdateSources {
  readonly blocks: readonly Block[];
  /** Gradient of the loss times the loss scale; undefined: 0. */
  gradient(weight: TrainableWeight): string | undefined;
  /** State of a block before the step. */
  weight(block: Block): string;
  /** The learning rate, a scalar. */
  readonly rate: string;
  /** Where losses are scaled: the scale, a scalar. */
  readonly lossScale: string | undefined;
  /** Where several batches make one update: 0/1 scalars, and this batch's share of the weight of samples. */
  readonly accumulation: { readonly apply: string; readonly fresh: string; readonly share: string } | undefined;
  /** Adds an input for a number fed at every step. */
  scalar(name: string): string;
  /** Adds a state, zero or (average) a copy of the weight at first, and gives its value before the step. */
  state(kind: "optimizer" | "accumulator" | "average", name: string, block: Block | undefined): string;
  /** States what the state of that value is after the step. */
  next(before: string, after: string): void;
}

export interface UpdateResults {
  /** Norm of the whole gradient of the mean loss, before clipping. */
  readonly norm: string;
  /** 1 where it is finite, else 0. */
  readonly finite: string;
}

export function writeUpdate(emit: Emitter, options: UpdateOptions, sources: UpdateSources): UpdateResults {
  const { blocks, lossScale, accumulation } = sources;
  const one = emit.number(1);
  let gradients = blocks.map((block) =>
    packedIn(emit, block, (weight) => sources.gradient(weight) ?? zeros(emit, weight)),
  );
  // What every gradient is multiplied with, put off so that it costs one pass at most.
  let factor = lossScale === undefined ? undefined : emit.div(one, lossScale);
  if (accumulation) {
    const { fresh, share } = accumulation;
    const kept = emit.sub(one, fresh);
    const gathered = (kind: string, block: Block | undefined, value: string) => {
      const before = sources.state("accumulator", kind, block);
      const after = emit.add(emit.mul(before, kept), value);
      sources.next(before, after);
      return after;
    };
    // Unscaled before they are added up: the scale may change between batches.
    const unscaled = factor === undefined ? gradients : gradients.map((gradient) => emit.mul(gradient, factor!));
    gradients = unscaled.map((gradient, i) => gathered("gradient", blocks[i], gradient));
    factor = emit.div(one, gathered("share", undefined, share));
  }
  const squares = gradients.map((gradient) => emit.reduceSquares(gradient, [...emit.dims(gradient).keys()], false));
  const raw = emit.sqrt(squares.reduce((sum, square) => emit.add(sum, square)));
  const norm = factor === undefined ? raw : emit.mul(raw, factor);
  // Not a number compares as false; what is beyond float32 has become infinite.
  const finite = emit.cast(emit.less(norm, emit.number(3e38)), "float32");
  if (options.clipNorm !== undefined) {
    const limit = emit.number(options.clipNorm);
    const clip = emit.min(one, emit.div(limit, emit.shift(norm, 1e-6)));
    factor = factor === undefined ? clip : emit.mul(factor, clip);
  }
  if (factor !== undefined) gradients = gradients.map((gradient) => emit.mul(gradient, factor!));
  if (options.clipValue !== undefined) {
    const bounds = [emit.number(-options.clipValue), emit.number(options.clipValue)];
    gradients = gradients.map((gradient) => emit.op("Clip", [gradient, ...bounds], { dims: emit.dims(gradient) }));
  }
  const applied = accumulation && emit.greater(accumulation.apply, emit.number(0.5));
  for (const [i, block] of blocks.entries()) updateBlock(emit, block, gradients[i]!, applied, options, sources);
  return { norm, finite };
}

function updateBlock(
  emit: Emitter,
  block: Block,
  gradient: string,
  applied: string | undefined,
  { optimizer, settings, constraints, average }: UpdateOptions,
  sources: UpdateSources,
): void {
  const { group } = block;
  const weight = sources.weight(block);
  const next = (before: string, after: string) => {
    sources.next(before, applied === undefined ? after : emit.where(applied, after, before));
  };
  const states = new Map(
    optimizer.state(settings).map((name) => [name, sources.state("optimizer", name, block)] as const),
  );
  const updated = optimizer.update({
    emit,
    options: settings,
    weight,
    gradient,
    rate: emit.scale(sources.rate, group.rate),
    decay: group.decay,
    scalar: (name) => sources.scalar(name),
    state: (name) => states.get(name)!,
  });
  const projected = project(emit, block, weight, updated.weight, constraints);
  next(weight, projected);
  for (const [name, before] of states) next(before, updated.state[name]!);
  if (average !== undefined) {
    const before = sources.state("average", "average", block);
    next(before, emit.add(before, emit.scale(emit.sub(projected, before), 1 - average)));
  }
}

function project(emit: Emitter, block: Block, before: string, after: string, constraints: readonly Constraint[]) {
  const [weight] = block.weights;
  if (block.packed || weight === undefined) return after;
  return constraints.reduce(
    (value, constraint) =>
      constraint.applies(weight) ? (constraint.project?.(emit, before, value, weight) ?? value) : value,
    after,
  );
}

const zeros = (emit: Emitter, { dims }: TrainableWeight) => emit.expand(emit.number(0), dims);
