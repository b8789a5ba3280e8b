// The second kind of pass: values come out of the runtime and are counted in bins, by kernels on other threads while the
// next sample runs. Widths of bins follow the numbers as they come, so no pass is needed to know the ranges beforehand.
// Two samples' values are alive at one time, at most.

import { capture } from "../../engine/capture.js";
import { asNumbers } from "../../engine/feeds.js";
import type { Shape } from "../../engine/observe.js";
import type { Model } from "../../ir/model.js";
import type { KernelPool } from "../../kernels/pool.js";
import { type CalibrationData, ONE_THREAD } from "../../statistics/data.js";
import type { StepContext } from "../../step/step.js";
import type { Feeds, Value } from "../../tensor/value.js";
import type { Tally } from "./tally.js";

/** Bytes of values captured in one run: more values take more runs over the data. */
const BUDGET = 128 * 2 ** 20;
/** With fewer numbers the message to a worker costs more than counting them here. */
const SMALL = 8192;

/** Adds every sample to the tallies, which are of float values, with their histograms. How many samples there were. */
export async function observeDensities(
  model: Model,
  tallies: ReadonlyMap<string, Tally>,
  shapes: ReadonlyMap<string, Shape>,
  data: CalibrationData,
  context: StepContext,
): Promise<number> {
  const names = [...tallies.keys()];
  const ids: string[] = [];
  const feeds: AsyncIterable<Feeds> = {
    async *[Symbol.asyncIterator]() {
      for await (const sample of data.samples()) {
        ids.push(sample.id);
        yield sample.feeds;
      }
    },
  };
  const given = new Set([...model.graph.inputs.map(({ name }) => name), ...model.graph.initializers.keys()]);
  const pool = await context.kernels();
  const samples = new Map(names.map((name) => [name, 0]));
  let pending: Promise<unknown> = Promise.resolve();
  const options = { values: shapes, budget: Math.min(BUDGET, (context.memory ?? 2 ** 30) / 8), ...ONE_THREAD };
  for await (const values of capture(model, names, feeds, context, options)) {
    await pending;
    pending = Promise.all(
      Object.entries(values).map(([name, value]) => {
        const at = samples.get(name)!;
        samples.set(name, at + 1);
        return count(tallies.get(name)!, value, ids[at] ?? "", given.has(name), pool);
      }),
    );
    // It is awaited above, or below; in between another error may end the loop.
    pending.catch(() => undefined);
  }
  await pending;
  return Math.max(0, ...samples.values());
}

/** `shared`: others may hold the same memory, so that it is not given away. */
async function count(tally: Tally, value: Value, id: string, shared: boolean, pool: KernelPool): Promise<void> {
  const numbers = value.dtype === "float16" ? (value.data as Uint16Array) : asFloats(value);
  if (numbers.length <= SMALL) {
    tally.addNumbers(asFloats(value), id);
    return;
  }
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  const whole = !shared && bytes.byteLength === bytes.buffer.byteLength;
  const from = value.dtype === "float16" ? "float16" : "float32";
  // The pool takes the memory: nothing is asked of the value afterwards.
  const all = numbers.length;
  const job = { from, rows: 1, columns: all, exponent: tally.histogram.exponent } as const;
  const { nonFinite, ...bins } = await pool.run("uniform-bins", { bytes: whole ? bytes : bytes.slice() }, job);
  tally.addBins({ ...bins, count: all - nonFinite, finite: nonFinite === 0 }, bins, id);
}

const asFloats = (value: Value): Float32Array =>
  value.data instanceof Float32Array ? value.data : Float32Array.from(asNumbers(value));
