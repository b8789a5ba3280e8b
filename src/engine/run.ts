// Runs a model once.

import type { Model } from "../ir/model.js";
import type { Feeds, Value } from "../tensor/value.js";
import { type EngineServices, type OpenOptions, withSession } from "./session.js";

/** All outputs by name. Throws `engine-...` errors with the node that failed, where the runtime names it. */
export function run(
  model: Model,
  feeds: Feeds,
  services: EngineServices,
  options: OpenOptions = {},
): Promise<Record<string, Value>> {
  return withSession(model, services, options, (session) => session.run(feeds));
}
