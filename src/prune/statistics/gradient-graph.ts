// One graph that gives the loss of a batch and adds its gradients to sums that stay in the engine: the forward and backward pass
// of training, without an optimizer. Batch normalisation uses its running statistics.

import type { ResidentState } from "../../engine/resident.js";
import type { Model } from "../../ir/model.js";
import type { Value } from "../../tensor/value.js";
import { backward } from "../../train/backward.js";
import { type Block, blocksOf, packedIn, unpackedIn } from "../../train/blocks.js";
import type { Prepared, TrainableWeight } from "../../train/prepared.js";
import type { TargetInput } from "../../train/step.js";
import { SAMPLE_WEIGHT } from "../../train/step-evaluation.js";
import { writeForward } from "../../train/step-forward.js";
import { type ChosenLoss, writeLosses } from "../../train/step-losses.js";
import { StepWriter, type WrittenState } from "../../train/step-writer.js";

/** Scalar inputs: the factor of what is added, and how far the weights stand from their values along the drawn direction. */
export const SHARE = "pare.share";
export const OFFSET = "pare.offset";

/** Several weights in a row, and the states that belong to them. */
export interface GradientBlock {
  readonly block: Block;
  /** Sums of share times: gradient; its square; the drawn direction times the gradient. */
  readonly sum?: string;
  readonly squares?: string;
  readonly along?: string;
  /** The direction, which the caller writes. */
  readonly direction?: string;
}

export interface GradientGraph {
  readonly model: Model;
  readonly batch: number;
  readonly feeds: readonly string[];
  readonly targets: readonly TargetInput[];
  readonly blocks: readonly GradientBlock[];
  readonly state: readonly ResidentState[];
  /** Every state before the first batch: weights, zeros. */
  initial(): Promise<Record<string, Value>>;
}

/** `kind`: the mean gradient and the mean of its square, or what curvature is estimated from. */
export function gradientGraph(
  prepared: Prepared,
  chosen: readonly ChosenLoss[],
  weights: readonly TrainableWeight[],
  kind: "gradients" | "curvature",
  channelBlock: number,
): GradientGraph {
  const blocks = blocksOf(
    weights,
    () => ({ rate: 1, decay: 0 }),
    () => false,
  );
  const writer = new StepWriter(prepared, new Set(weights.map(({ name }) => name)), channelBlock);
  const { emit } = writer;
  for (const name of prepared.inputs) writer.feed(name);
  const targets = chosen.flatMap(({ labels }) => labels ?? []);
  for (const { input, shape } of targets) writer.data(input, shape);
  writer.data(SAMPLE_WEIGHT, { dtype: "float32", dims: [prepared.batch] });
  const share = writer.scalar(SHARE);
  const offset = kind === "curvature" ? writer.scalar(OFFSET) : undefined;

  const names = new Map<string, string>();
  const directions = new Map<Block, string>();
  for (const [at, block] of blocks.entries()) {
    const state = writer.state("weight", block.name, block, true);
    let value = state;
    if (offset !== undefined) {
      const direction = writer.state("accumulator", `pare.direction.${at}`, block, false);
      directions.set(block, direction);
      value = emit.add(state, emit.mul(direction, offset));
    }
    for (const [weight, part] of unpackedIn(emit, block, value)) names.set(weight, part);
  }
  const values = new Map(weights.map(({ name }) => [name, names.get(name)!]));
  const forward = writeForward(emit, prepared, names, { statistics: [], dropout: {} });
  const nodes = emit.nodes.slice();
  const on = { emit, value: forward.value, weights: SAMPLE_WEIGHT, batch: prepared.batch };
  const losses = writeLosses(on, chosen, [], undefined);
  const ends = losses.backward(undefined, false).gradients;
  const found = backward({ nodes, loss: ends, targets: [...values.values()] }, emit);

  const zeros = (dims: readonly number[]) => emit.expand(emit.number(0), dims);
  const own = blocks.map((block, at): GradientBlock => {
    const gradient = packedIn(emit, block, ({ name, dims }) => found.get(values.get(name)!) ?? zeros(dims));
    const added = (stem: string, value: string) => {
      const before = writer.state("accumulator", `pare.${stem}.${at}`, block, false);
      writer.next(before, emit.add(before, emit.mul(value, share)));
      return before;
    };
    const direction = directions.get(block);
    if (direction !== undefined) return { block, direction, along: added("along", emit.mul(direction, gradient)) };
    return { block, sum: added("sum", gradient), squares: added("squares", emit.square(gradient)) };
  });
  writer.result("loss", losses.loss);
  const { model } = writer.model();
  const moved = new Set(own.flatMap(({ sum, squares, along }) => [sum, squares, along]));
  return {
    model,
    batch: prepared.batch,
    feeds: prepared.inputs,
    targets,
    blocks: own,
    state: writer.states.map(({ input, block }) => ({
      input,
      ...(moved.has(input) && { output: writer.after(input) }),
      dtype: "float32",
      dims: block?.dims ?? [],
    })),
    initial: async () =>
      Object.fromEntries(
        await Promise.all(writer.states.map(async (state: WrittenState) => [state.input, await writer.initial(state)])),
      ) as Record<string, Value>,
  };
}
