// How far a changed model is from the original: the squared error of its outputs over their squared size, on some samples.

import { adaptFeeds, asNumbers } from "../engine/feeds.js";
import type { RuntimeSession } from "../engine/runtime.js";
import { openSession } from "../engine/session.js";
import type { Model } from "../ir/model.js";
import type { StepContext } from "../step/step.js";
import type { Feeds, Value } from "../tensor/value.js";

/** Samples that outputs are compared on, and bytes of these that are kept: logits of a language model are large. */
const SAMPLES = 32;
const KEPT_BYTES = 2 ** 28;

/**
 * Distances from one model: 0 where outputs are equal, 1 where the error is as large as they are; infinite where a model gives
 * NaN. Only outputs of floats count, each alike. A model is run once, however often it is asked for.
 */
export function distanceFrom(original: Model, context: StepContext): (model: Model) => Promise<number> {
  const known = new WeakMap<Model, Promise<number>>();
  let expected: Promise<{ feeds: readonly Feeds[]; outputs: readonly Outputs[] }> | undefined;
  const reference = async () => {
    const feeds: Feeds[] = [];
    // Ranges and choices are made on the calibrate part; data without parts gives all it has.
    const part = context.data.split("calibrate");
    for await (const sample of (part.size === 0 ? context.data : part).samples({ limit: SAMPLES }))
      feeds.push(sample.feeds);
    return { feeds, outputs: await outputsOf(original, feeds, context) };
  };
  const measured = async (model: Model) => {
    expected ??= reference();
    const { feeds, outputs } = await expected;
    return error(outputs, await outputsOf(model, feeds.slice(0, outputs.length), context));
  };
  return (model) => {
    const distance = known.get(model) ?? (model === original ? Promise.resolve(0) : measured(model));
    known.set(model, distance);
    return distance;
  };
}

type Outputs = Readonly<Record<string, Value>>;

async function outputsOf(model: Model, feeds: readonly Feeds[], context: StepContext): Promise<Outputs[]> {
  const session = await openSession(model, context);
  try {
    const all: Outputs[] = [];
    let bytes = 0;
    for (const one of feeds) {
      context.signal?.throwIfAborted();
      const outputs = await floatsOf(session, one);
      all.push(outputs);
      for (const { data } of Object.values(outputs)) bytes += (data as Float32Array).byteLength;
      if (bytes > KEPT_BYTES) break;
    }
    return all;
  } finally {
    await session.release();
  }
}

async function floatsOf(session: RuntimeSession, feeds: Feeds): Promise<Outputs> {
  const given = await session.run(adaptFeeds(feeds, session.inputs));
  return Object.fromEntries(
    Object.entries(given).filter(([, { dtype }]) => dtype === "float32" || dtype === "float16"),
  );
}

function error(expected: readonly Outputs[], found: readonly Outputs[]): number {
  const sums = new Map<string, { error: number; power: number }>();
  for (const [at, outputs] of expected.entries()) {
    for (const [name, value] of Object.entries(outputs)) {
      const [a, b] = [asNumbers(value), asNumbers(found[at]![name]!)];
      const sum = sums.get(name) ?? { error: 0, power: 0 };
      for (let i = 0; i < a.length; i++) {
        sum.error += (a[i]! - b[i]!) ** 2;
        sum.power += a[i]! ** 2;
      }
      sums.set(name, sum);
    }
  }
  let total = 0;
  for (const { error: wrong, power } of sums.values()) total += wrong === 0 ? 0 : wrong / power;
  const mean = total / Math.max(1, sums.size);
  return Number.isNaN(mean) ? Number.POSITIVE_INFINITY : mean;
}
