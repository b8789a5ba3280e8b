// A step's context over samples that each have a label of their own.

import type { Dataset, Sample } from "../../src/data/dataset.js";
import type { StepContext } from "../../src/step/step.js";
import type { Feeds } from "../../src/tensor/value.js";
import { stepContext } from "./step-context.js";

export function labelledContext(feeds: readonly Feeds[], labels: readonly NonNullable<Sample["label"]>[]): StepContext {
  const data: Dataset = {
    name: "labelled",
    size: feeds.length,
    labelled: true,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = feeds.length } = {}) {
      for (const [at, one] of feeds.slice(0, limit).entries()) yield { feeds: one, label: labels[at]!, id: String(at) };
    },
    split: () => data,
  };
  return { ...stepContext(feeds), data };
}
