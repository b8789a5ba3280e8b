// Gradients of the loss by weight, over batches of labelled data: their mean, the mean of their square, and the diagonal of the
// Hessian, by finite differences of gradients along random directions (Hutchinson).

import { invalid } from "../../base/errors.js";
import { info, type Note } from "../../base/note.js";
import type { Dataset, Sample } from "../../data/dataset.js";
import { openResident, type ResidentSession } from "../../engine/resident.js";
import { type PortInfo, UNFUSED } from "../../engine/runtime.js";
import type { Model } from "../../ir/model.js";
import { ONE_THREAD } from "../../statistics/data.js";
import type { StepContext } from "../../step/step.js";
import { random } from "../../tensor/random.js";
import type { Value } from "../../tensor/value.js";
import { batchFeeds, firstBatch, samplesIn } from "../../train/batches.js";
import { unpack } from "../../train/blocks.js";
import { rowsOf } from "../../train/collate.js";
import { defaultLoss } from "../../train/default-loss.js";
import { permutation } from "../../train/draws.js";
import { prepare } from "../../train/prepare.js";
import { probeBlock } from "../../train/probe-block.js";
import { inRunOrder } from "../../train/run-order.js";
import { chooseLosses } from "../../train/step-losses.js";
import { trainedWeights } from "../../train/step-weights.js";
import type { Layer } from "../scores/layers.js";
import type { Score } from "../scores/score.js";
import { type GradientGraph, gradientGraph, OFFSET, SHARE } from "./gradient-graph.js";

export interface GradientOptions {
  readonly samples: number;
  readonly batch: number;
  readonly loss: string | undefined;
  readonly seed: number;
}

export interface Gradients {
  /** Names of the user's weights that the loss depends on. */
  readonly weights: ReadonlySet<string>;
  /** Mean gradient over samples, and mean over batches of its square, each in the weight's own order. */
  gradients(): Promise<ReadonlyMap<string, { readonly gradient: Float32Array; readonly squares: Float32Array }>>;
  /** Diagonal of the Hessian of the mean loss. */
  curvature(): Promise<ReadonlyMap<string, Float32Array>>;
}

/** Directions that a diagonal is estimated from, at least; each batch has its own. */
const DIRECTIONS = 32;
/** How far weights are moved along a direction, as a share of their root mean square. */
const STEP = 0.01;

/**
 * Prepares the model for its gradients. Throws `invalid("score-data")` without labelled data, naming scores that need none, and
 * what preparing for training throws (`unsupported("gradient-missing")`, `invalid("loss-...")` ...).
 */
export async function openGradients(
  model: Model,
  layers: readonly Layer[],
  score: Score,
  options: GradientOptions,
  context: StepContext,
  notes: Note[],
): Promise<Gradients> {
  const data = labelledPart(context.data, score);
  const samples = await drawnSamples(data, options);
  const [first] = samples;
  if (first === undefined) throw invalid("data-empty", `There is no sample in ${data.name} to score weights by.`);
  if (first.label === undefined && options.loss === undefined) throw withoutLabels(data, score);
  const rows = rowsOf(first);
  const batch = Math.max(1, Math.floor(Math.min(options.batch / rows, samples.length))) * rows;
  const few: Dataset = {
    ...data,
    size: samples.length,
    async *samples({ limit = samples.length } = {}) {
      yield* samples.slice(0, limit);
    },
  };
  const prepared = await prepare(model, { feeds: await firstBatch(few, batch) }, context);
  const stated = options.loss === undefined ? await defaultLoss(prepared, few) : undefined;
  if (stated) notes.push(stated.note);
  const chosen = chooseLosses(prepared, [stated?.loss ?? { loss: options.loss! }]);
  const reads = chosen.flatMap((loss) => [loss.reads, ...loss.others]);
  const wanted = new Map(layers.map((layer) => [layer.name, layer]));
  const trained = trainedWeights(prepared, reads, {}).weights.filter(({ source, dims }) => {
    const layer = wanted.get(source);
    return layer !== undefined && String(layer.dims) === String(dims);
  });
  const graphOf = async (kind: "gradients" | "curvature") =>
    gradientGraph(prepared, chosen, trained, kind, await probeBlock(context));
  const each = samplesIn(batch, first);
  notes.push(
    info(
      "score-data",
      `Gradients are of ${samples.length} samples of ${data.name}, ${each} in a batch; squares are of the gradient of a batch.`,
    ),
  );
  const sourceOf = new Map(trained.map(({ name, source }) => [name, source]));
  const read = (graph: GradientGraph, values: Readonly<Record<string, Value>>, which: "sum" | "squares" | "along") =>
    new Map(
      graph.blocks.flatMap((one) =>
        [...unpack(one.block, values[one[which]!]!)].map(
          ([name, value]) => [sourceOf.get(name)!, value.data as Float32Array] as const,
        ),
      ),
    );

  return {
    weights: new Set(sourceOf.values()),
    async gradients() {
      const graph = await graphOf("gradients");
      return withRun(graph, context, async (session) => {
        for (const { feeds, share } of batches(graph, samples, each, 1, context)) {
          await session.run({ ...feeds, [SHARE]: scalar(share) }, ["loss"]);
          session.commit();
        }
        const values = await session.read(graph.blocks.flatMap(({ sum, squares }) => [sum!, squares!]));
        const squares = read(graph, values, "squares");
        return new Map(
          [...read(graph, values, "sum")].map(([name, gradient]) => [name, { gradient, squares: squares.get(name)! }]),
        );
      });
    },
    async curvature() {
      const graph = await graphOf("curvature");
      const passes = Math.ceil(DIRECTIONS / Math.ceil(samples.length / each));
      const draws = random(options.seed);
      return withRun(graph, context, async (session, initial) => {
        const step = STEP * rootMeanSquare(graph, initial);
        for (const { feeds, share } of batches(graph, samples, each, passes, context)) {
          await session.write(directions(graph, draws.int));
          for (const sign of [1, -1]) {
            // The runtime may keep what it is given: each run has its own.
            const own = Object.fromEntries(Object.entries(feeds).map(([name, value]) => [name, copied(value)]));
            const factor = (sign * share) / (2 * step);
            await session.run({ ...own, [SHARE]: scalar(factor), [OFFSET]: scalar(sign * step) }, ["loss"]);
            session.commit();
          }
        }
        return read(graph, await session.read(graph.blocks.map(({ along }) => along!)), "along");
      });
    },
  };
}

function labelledPart(data: Dataset, score: Score): Dataset {
  if (data.synthetic) throw withoutLabels(data, score);
  const part = data.split("train");
  return part.size === 0 ? data.split("calibrate") : part;
}

const withoutLabels = (data: Dataset, score: Score) =>
  invalid("score-data", `The score ${score.name} needs labelled data, and ${data.name} has no labels.`, {
    expected: "labels, which the gradient of the loss is of",
    found: data.synthetic ? "made-up data" : "samples without labels",
    hint: "Give data with labels (docs/data.md), or take a score of weights (l2, lamp, bn-scale, fpgm) or of inputs (wanda, activation, apoz, sparsegpt).",
  });

/** Some of all, as the seed says; the first, where they only come one after the other. Not augmented. */
async function drawnSamples(data: Dataset, { samples, seed }: GradientOptions): Promise<readonly Sample[]> {
  const { size } = data;
  if (data.sample !== undefined && size !== undefined) {
    const order = [...permutation(size, seed, 0).subarray(0, samples)];
    return Promise.all(order.map((index) => data.sample!(index)));
  }
  const found: Sample[] = [];
  for await (const sample of data.samples({ limit: samples })) found.push(sample);
  return found;
}

/** Each batch with its share of all samples. */
function* batches(
  graph: GradientGraph,
  samples: readonly Sample[],
  each: number,
  passes: number,
  context: StepContext,
) {
  const inputs = graph.feeds.map((name): PortInfo => {
    const type = graph.model.graph.inputs.find((one) => one.name === name)?.type;
    const { dtype, shape } = type?.kind === "tensor" ? type : { dtype: undefined, shape: undefined };
    return { name, dtype, shape: shape as number[] | undefined };
  });
  const all = passes * samples.length;
  for (let pass = 0, done = 0; pass < passes; pass++) {
    for (let from = 0; from < samples.length; from += each) {
      context.signal?.throwIfAborted();
      const some = samples.slice(from, from + each);
      yield { feeds: batchFeeds(graph, inputs, some, each), share: some.length / all };
      done += some.length;
      context.onProgress?.({ task: "score weights", done, total: all });
    }
  }
}

async function withRun<T>(
  graph: GradientGraph,
  context: StepContext,
  work: (session: ResidentSession, initial: Readonly<Record<string, Value>>) => Promise<T>,
): Promise<T> {
  const initial = await graph.initial();
  const options = { config: UNFUSED, ...ONE_THREAD };
  const session = await openResident(inRunOrder(graph.model), graph.state, initial, context, options);
  try {
    return await work(session, initial);
  } finally {
    await session.release();
  }
}

/** +1 and -1 for every weight. */
function directions(graph: GradientGraph, int: (n: number) => number): Record<string, Value> {
  return Object.fromEntries(
    graph.blocks.map(({ block, direction }) => {
      const data = new Float32Array(block.dims.reduce((all, size) => all * size, 1));
      let bits = 0;
      for (let at = 0; at < data.length; at++) {
        if (at % 32 === 0) bits = int(2 ** 32);
        data[at] = (bits >>> (at % 32)) & 1 ? 1 : -1;
      }
      return [direction!, { dtype: "float32", dims: block.dims, data } as const];
    }),
  );
}

function rootMeanSquare(graph: GradientGraph, initial: Readonly<Record<string, Value>>): number {
  let [sum, count] = [0, 0];
  for (const { block } of graph.blocks) {
    const data = initial[block.name]!.data as Float32Array;
    for (const value of data) sum += value * value;
    count += data.length;
  }
  return sum > 0 ? Math.sqrt(sum / count) : 1;
}

const scalar = (value: number): Value => ({ dtype: "float32", dims: [], data: Float32Array.of(value) });

const copied = (value: Value): Value => ({ ...value, data: value.data.slice() as Value["data"] });
