// Runs a model once on given inputs: the engine's `run` with the platform's services.

import { run as runEngine } from "./engine/run.js";
import type { SessionOptions } from "./engine/runtime.js";
import type { Model } from "./ir/model.js";
import { type ServiceOptions, withServices } from "./services.js";
import type { Feeds, Value } from "./tensor/value.js";

/**
 * Feeds are named values (`{ dtype, dims, data }`); the result holds every output by name.
 * Throws PareError when an input is missing or does not fit, or the runtime refuses.
 */
export function run(
  model: Model,
  feeds: Feeds,
  options: ServiceOptions & { readonly session?: SessionOptions } = {},
): Promise<Record<string, Value>> {
  return withServices(model, options, (services) => runEngine(model, feeds, services, options.session));
}
