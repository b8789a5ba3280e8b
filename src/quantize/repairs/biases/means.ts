// The mean of each channel of some values while a model runs: reduced in the graph, summed here in float64, so that memory
// grows neither with samples nor with values.

import { adaptFeeds } from "../../../engine/feeds.js";
import { type RuntimeSession, UNFUSED } from "../../../engine/runtime.js";
import { openSession } from "../../../engine/session.js";
import { ints } from "../../../ir/attributes.js";
import { makeNode, tensorInfo } from "../../../ir/build.js";
import { GraphEditor } from "../../../ir/edit.js";
import type { Graph, Model, Node } from "../../../ir/model.js";
import { ancestry } from "../../../ir/traverse.js";
import { ONE_THREAD } from "../../../statistics/data.js";
import type { StepContext } from "../../../step/step.js";
import { int64 } from "../../../tensor/tensor.js";
import type { Feeds, Value } from "../../../tensor/value.js";

export interface Watched {
  /** A value of the model, of type float32. */
  readonly name: string;
  /** Its number of axes, and which of them has the channels (-1: the last). */
  readonly rank: number;
  readonly axis: 1 | -1;
  /** The node that gives it: a vector fed for each channel is added before anyone else sees it. */
  readonly shifted?: Node;
}

/** Samples that stay in memory between rounds; beyond it they are read anew. */
const KEPT_BYTES = 64 * 2 ** 20;

/** The first `limit` samples for calibration, to be gone through many times: decoding an image costs more than a small model. */
export function calibrationFeeds({ data, signal }: StepContext, limit: number): AsyncIterable<Feeds> {
  const kept: Feeds[] = [];
  let bytes = 0;
  let whole = false;
  return {
    async *[Symbol.asyncIterator]() {
      if (whole) return yield* kept;
      const fresh = kept.length === 0;
      for await (const { feeds } of data.split("calibrate").samples({ limit, ...(signal && { signal }) })) {
        for (const { data } of Object.values(feeds)) bytes += "byteLength" in data ? data.byteLength : 0;
        if (fresh && bytes <= KEPT_BYTES) kept.push(feeds);
        yield feeds;
      }
      whole = fresh && bytes <= KEPT_BYTES;
    },
  };
}

/** One session in which the means of some watched values can be asked for, with shifts of all. */
export class Means {
  private constructor(
    private readonly session: RuntimeSession,
    private readonly watched: readonly Watched[],
    private readonly context: StepContext,
    private readonly samples: AsyncIterable<Feeds>,
    private readonly shifts: readonly (Float64Array | undefined)[],
  ) {}

  /**
   * `places`: which of `watched` can be asked for; what nothing of them needs is not run. `shifts`: what is added to each
   * watched value that can be shifted; the caller may change the list between rounds.
   */
  static async open(
    model: Model,
    watched: readonly Watched[],
    places: readonly number[],
    context: StepContext,
    samples: AsyncIterable<Feeds>,
    shifts: readonly (Float64Array | undefined)[] = [],
  ): Promise<Means> {
    const session = await openSession(withMeans(model, watched, new Set(places)), context, {
      // Shifts may stand between a layer and its quantizer.
      config: UNFUSED,
      ...ONE_THREAD,
    });
    return new Means(session, watched, context, samples, shifts);
  }

  /** Means by channel of the watched values with these places in the list, over the samples for calibration. */
  async of(places: readonly number[]): Promise<readonly Float64Array[]> {
    const sums: (Float64Array | undefined)[] = places.map(() => undefined);
    const counts = places.map(() => 0);
    const wanted = places.flatMap((at) => [meanName(at), sizeName(at)]);
    const shifts = this.#fed();
    for await (const feeds of this.samples) {
      this.context.signal?.throwIfAborted();
      const results = await this.session.run({ ...adaptFeeds(feeds, this.session.inputs), ...shifts }, wanted);
      for (const [i, at] of places.entries()) {
        const mean = results[meanName(at)]!.data as Float32Array;
        // Samples of more places (longer texts) count more, as they do in a sum over all.
        const count = Number((results[sizeName(at)]!.data as BigInt64Array)[0]) / mean.length;
        if (count === 0) continue;
        const sum = sums[i] ?? new Float64Array(mean.length);
        for (const [c, value] of mean.entries()) sum[c]! += value * count;
        sums[i] = sum;
        counts[i]! += count;
      }
    }
    return sums.map((sum, i) => sum?.map((value) => value / counts[i]!) ?? new Float64Array(0));
  }

  release(): Promise<void> {
    return this.session.release();
  }

  #fed(): Feeds {
    const fed: Record<string, Value> = {};
    const known = new Set(this.session.inputs.map(({ name }) => name));
    for (const [at, shift] of this.shifts.entries()) {
      if (shift === undefined || !known.has(shiftName(at))) continue;
      const { axis, rank } = this.watched[at]!;
      const dims = [shift.length, ...Array<number>(axis < 0 ? 0 : rank - 2).fill(1)];
      fed[shiftName(at)] = { dtype: "float32", dims, data: Float32Array.from(shift) };
    }
    return fed;
  }
}

const meanName = (at: number) => `pare.mean.${at}`;
const sizeName = (at: number) => `pare.size.${at}`;
const SHIFT = "pare.shift.";
const shiftName = (at: number) => `${SHIFT}${at}`;

function withMeans(model: Model, watched: readonly Watched[], places: ReadonlySet<number>): Model {
  const { graph } = model;
  const editor = new GraphEditor(graph);
  const asInput = (model.opsets.get("") ?? 1) >= 18;
  const inputs = [...graph.inputs];
  const added: Node[] = [];
  for (const [at, { name, rank, axis, shifted }] of watched.entries()) {
    if (shifted) {
      const before = editor.unique(`${name}_unshifted`);
      const current = editor.current(shifted)!;
      const outputs = current.outputs.map((output) => (output === name ? before : output));
      const sum = makeNode("Add", [before, shiftName(at)], [name]);
      editor.replace(current, [{ ...current, outputs }, sum]);
      inputs.push(tensorInfo(shiftName(at), "float32"));
    }
    if (!places.has(at)) continue;
    const channels = axis < 0 ? rank - 1 : axis;
    const axes = [...Array(rank).keys()].filter((one) => one !== channels);
    const mean = meanName(at);
    if (axes.length === 0) added.push(makeNode("Identity", [name], [mean]));
    else if (asInput) {
      editor.setInitializer(`${mean}.axes`, int64([axes.length], axes));
      added.push(makeNode("ReduceMean", [name, `${mean}.axes`], [mean], { attributes: { keepdims: 0 } }));
    } else added.push(makeNode("ReduceMean", [name], [mean], { attributes: { axes: ints(axes), keepdims: 0 } }));
    added.push(makeNode("Size", [name], [sizeName(at)]));
  }
  editor.append(added);
  editor.setInputs(inputs);
  editor.setOutputs(
    [...places].flatMap((at) => [tensorInfo(meanName(at), "float32"), tensorInfo(sizeName(at), "int64")]),
  );
  return { ...model, graph: needed(editor.done()) };
}

/** Without the nodes and shifts that no output needs. */
function needed(graph: Graph): Graph {
  const { nodes, names } = ancestry(
    graph,
    graph.outputs.map(({ name }) => name),
  );
  return {
    ...graph,
    nodes,
    inputs: graph.inputs.filter(({ name }) => !name.startsWith(SHIFT) || names.has(name)),
    initializers: new Map([...graph.initializers].filter(([name]) => names.has(name))),
    valueInfo: new Map(),
  };
}
