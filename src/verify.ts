// Runs a result against its original on the engine, and says how near it is. A model above the memory budget is run in
// consecutive graph segments, by a child process where there is one.

import type { Dataset } from "./data/dataset.js";
import { type Verification as EngineVerification, verifyModel } from "./engine/compare.js";
import type { Model } from "./ir/model.js";
import { type ServiceOptions, withServices } from "./services.js";
import type { Feeds } from "./tensor/value.js";

export interface Verification extends EngineVerification {
  /** The data it was run on. */
  readonly data: string;
}

const SAMPLES = { real: 32, synthetic: 4 };

/** Throws when the two have different outputs; a runtime that refuses gives `verified: "no"` with the reason. */
export function verify(reference: Model, result: Model, options: ServiceOptions = {}): Promise<Verification> {
  return withServices(reference, options, async (services) => {
    const data = services.data.split("measure");
    const limit = data.synthetic ? SAMPLES.synthetic : SAMPLES.real;
    const found = await verifyModel(reference, result, feedsOf(data, limit), services, { limit });
    return { ...found, notes: [...services.notes, ...found.notes], data: data.name };
  });
}

async function* feedsOf(data: Dataset, limit: number): AsyncIterable<Feeds> {
  for await (const sample of data.samples({ limit })) yield sample.feeds;
}
