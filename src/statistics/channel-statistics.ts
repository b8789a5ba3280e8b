// What the numbers of each channel of a value are over samples: found inside the graph, one session, in constant memory.

import { invalid } from "../base/errors.js";
import { adaptFeeds } from "../engine/feeds.js";
import { observe } from "../engine/observe.js";
import { withSession } from "../engine/session.js";
import type { Model } from "../ir/model.js";
import type { StepContext } from "../step/step.js";
import { calibrationData, ONE_THREAD } from "./data.js";
import { type Reduced, readReductions, type Wanted, withReductions } from "./reductions.js";
import { carried, statePairs } from "./states.js";

/** Arrays have one number for each index of the axis. Where `count` is 0 the value was empty, and all of them are 0. */
export interface ChannelStatistics {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly absmax: Float64Array;
  readonly mean: Float64Array;
  readonly meanSquare: Float64Array;
  /** Numbers of each channel, over all samples. */
  readonly count: number;
}

/** Default of `samples`. */
const SAMPLES = 128;

/**
 * Statistics along one axis (from 0, or from -1 backwards) of float values of the top-level graph, over the first samples
 * that are meant to calibrate. The same whatever the number of threads. By name; where a name is wanted along several axes,
 * call again. Throws `invalid("calibration-value")` for names that are no such values, or have not that axis,
 * `invalid("calibration-not-finite")`, `invalid("calibration-channels")` where the number of channels varies.
 */
export async function channelStatistics(
  model: Model,
  wanted: readonly { readonly name: string; readonly axis: number }[],
  context: StepContext,
  { samples = SAMPLES }: { readonly samples?: number } = {},
): Promise<ReadonlyMap<string, ChannelStatistics>> {
  if (wanted.length === 0) return new Map();
  const data = await calibrationData(context, samples);
  const { values } = await observe(model, { feeds: data.first.feeds }, { ...context, ...ONE_THREAD });
  const described = wanted.map(({ name, axis }): Wanted & { channels: number } => {
    const shape = values.get(name);
    const at = axis < 0 ? axis + (shape?.dims.length ?? 0) : axis;
    if (shape === undefined || !/float/.test(shape.dtype) || shape.dims[at] === undefined) {
      throw invalid("calibration-value", `There are no channels to observe in "${name}".`, {
        node: name,
        expected: `a float value of the top-level graph with an axis ${axis}`,
        found: shape === undefined ? "no tensor" : `${shape.dtype}[${shape.dims}]`,
      });
    }
    return { name, dtype: shape.dtype, rank: shape.dims.length, axis: at, channels: shape.dims[at] };
  });
  const sums = described.map(({ channels }) => new Sums(channels));
  await withSession(withReductions(model, described), context, ONE_THREAD, async (session) => {
    const stepping = carried(data, statePairs(model, data.first.feeds, values), model, context);
    for await (const { feeds, id } of stepping.samples("observe channels")) {
      const reduced = readReductions(described, await session.run(adaptFeeds(feeds, session.inputs)));
      for (const [at, one] of reduced.entries()) sums[at]!.add(described[at]!.name, one, id);
    }
  });
  return new Map(described.map(({ name }, at) => [name, sums[at]!.done()]));
}

class Sums {
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  #count = 0;

  constructor(readonly channels: number) {
    this.#min = new Float64Array(channels).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(channels).fill(Number.NEGATIVE_INFINITY);
    this.#sum = new Float64Array(channels);
    this.#squares = new Float64Array(channels);
  }

  add(name: string, { count, min, max, mean, squares }: Reduced, id: string): void {
    if (count === 0) return;
    if (min.length !== this.channels) {
      throw invalid("calibration-channels", `The number of channels of "${name}" varies from sample to sample.`, {
        node: name,
        expected: String(this.channels),
        found: `${min.length} in sample ${id}`,
      });
    }
    for (let at = 0; at < this.channels; at++) {
      // The mean of anything that is not finite is not finite; ReduceMin and ReduceMax pass over NaN.
      if (!Number.isFinite(mean[at]! + min[at]! + max[at]!)) throw notFinite(name, id);
      this.#min[at] = Math.min(this.#min[at]!, min[at]!);
      this.#max[at] = Math.max(this.#max[at]!, max[at]!);
      this.#sum[at]! += mean[at]! * count;
      this.#squares[at]! += squares[at]!;
    }
    this.#count += count;
  }

  done(): ChannelStatistics {
    const { channels } = this;
    const count = this.#count;
    if (count === 0) {
      const none = () => new Float64Array(channels);
      return { min: none(), max: none(), absmax: none(), mean: none(), meanSquare: none(), count };
    }
    const [min, max] = [this.#min, this.#max];
    return {
      min,
      max,
      absmax: min.map((low, at) => Math.max(Math.abs(low), Math.abs(max[at]!))),
      mean: this.#sum.map((sum) => sum / count),
      meanSquare: this.#squares.map((sum) => sum / count),
      count,
    };
  }
}

const notFinite = (name: string, id: string) =>
  invalid("calibration-not-finite", `"${name}" holds numbers that are not finite.`, {
    node: name,
    found: `NaN or infinity in sample ${id}`,
    hint: "Leave the layer as it is (keep), or correct the sample.",
  });
