// The context of a recipe step, for tests: kernels that run here, data that is a list of feeds.

import type { Dataset } from "../../src/data/dataset.js";
import { inlinePool } from "../../src/kernels/inline.js";
import { resident } from "../../src/platform/node/resident.js";
import type { StepContext } from "../../src/step/step.js";
import { targets } from "../../src/targets/index.js";
import type { Feeds } from "../../src/tensor/value.js";
import { services } from "./services.js";

export function stepContext(feeds: readonly Feeds[] = [], target = "any"): StepContext {
  const pool = inlinePool();
  return {
    ...services,
    resident,
    now: () => performance.now(),
    target: targets.get(target),
    kernels: async () => pool,
    data: listed(feeds),
    dims: {},
  };
}

const listed = (feeds: readonly Feeds[]): Dataset => ({
  name: "listed",
  size: feeds.length,
  labelled: false,
  synthetic: true,
  metric: undefined,
  async *samples({ limit = feeds.length } = {}) {
    for (const [at, one] of feeds.slice(0, limit).entries()) yield { feeds: one, id: String(at) };
  },
  split: () => listed(feeds),
});
