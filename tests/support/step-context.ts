// The context of a recipe step, for tests: kernels that run here, data that is a list of feeds.

import type { Dataset, Sample } from "../../src/data/dataset.js";
import { inlinePool } from "../../src/kernels/inline.js";
import { resident } from "../../src/platform/node/resident.js";
import type { StepContext } from "../../src/step/step.js";
import { targets } from "../../src/targets/index.js";
import type { Feeds } from "../../src/tensor/value.js";
import { services } from "./services.js";

/** `label`: of every one of the feeds, which then are no synthetic ones. */
export function stepContext(feeds: readonly Feeds[] = [], target = "any", label?: Sample["label"]): StepContext {
  const pool = inlinePool();
  return {
    ...services,
    resident,
    now: () => performance.now(),
    target: targets.get(target),
    kernels: async () => pool,
    data: listed(feeds, label),
    dims: {},
  };
}

const listed = (feeds: readonly Feeds[], label: Sample["label"]): Dataset => ({
  name: "listed",
  size: feeds.length,
  labelled: label !== undefined,
  synthetic: label === undefined,
  metric: undefined,
  async *samples({ limit = feeds.length } = {}) {
    for (const [at, one] of feeds.slice(0, limit).entries()) {
      yield { feeds: one, id: String(at), ...(label !== undefined && { label }) };
    }
  },
  split: () => listed(feeds, label),
});
