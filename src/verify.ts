// Runs a result against its original on the engine, and says how near it is. A model above the memory budget is run in
// consecutive graph segments, by a child process where there is one.

import { platform } from "#platform";
import type { Dataset } from "./data/dataset.js";
import { type Verification as EngineVerification, verifyModel } from "./engine/compare.js";
import { SESSION_FACTOR, weightBytes } from "./engine/weight-bytes.js";
import type { Model } from "./ir/model.js";
import { type ServiceOptions, type Services, withServices } from "./services.js";
import { unchangedPath } from "./subject.js";
import type { Feeds } from "./tensor/value.js";

export interface Verification extends EngineVerification {
  /** The data it was run on. */
  readonly data: { readonly name: string; readonly synthetic: boolean };
}

const SAMPLES = { real: 32, synthetic: 4 };
/** Samples for a model that runs in segments: each passes over all of the weights. */
const LARGE_SAMPLES = 1;

/**
 * Throws when the two have different outputs; a runtime that refuses gives `verified: "no"` with the reason. Models whose
 * sessions would not fit the memory that may be used are run in segments, in a process of their own.
 */
export function verify(reference: Model, result: Model, options: ServiceOptions = {}): Promise<Verification> {
  return withServices(reference, options, async (services) => {
    const data = services.data.split("measure");
    const limit = data.synthetic ? SAMPLES.synthetic : SAMPLES.real;
    const apart = await requestApart(reference, result, services);
    if (apart && platform.verifyApart) {
      const feeds: Feeds[] = [];
      for await (const one of feedsOf(data, LARGE_SAMPLES)) feeds.push(one);
      const { memory, threads, signal } = services;
      const found = await platform.verifyApart({ ...apart, feeds, memory, threads }, signal);
      return {
        ...found,
        notes: [...services.notes, ...found.notes],
        data: { name: data.name, synthetic: data.synthetic },
      };
    }
    const found = await verifyModel(reference, result, feedsOf(data, limit), services, { limit });
    return {
      ...found,
      notes: [...services.notes, ...found.notes],
      data: { name: data.name, synthetic: data.synthetic },
    };
  });
}

/** The two files, when their sessions are too large for this process and each holds just the model in hand. */
async function requestApart(reference: Model, result: Model, { memory }: Services) {
  if (!isLarge(reference, result, memory)) return undefined;
  const [first, second] = [await unchangedPath(reference), await unchangedPath(result)];
  return first === undefined || second === undefined || first === second
    ? undefined
    : { reference: first, result: second };
}

/** Whether a session of either does not fit the memory that may be used. */
export const isLarge = (reference: Model, result: Model, memory = Number.POSITIVE_INFINITY): boolean =>
  Math.max(weightBytes(reference.graph), weightBytes(result.graph)) * SESSION_FACTOR > memory;

async function* feedsOf(data: Dataset, limit: number): AsyncIterable<Feeds> {
  for await (const sample of data.samples({ limit })) yield sample.feeds;
}
