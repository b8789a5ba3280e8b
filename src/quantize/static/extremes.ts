// Smallest and largest number of each value over the samples: what stands in for calibration.

import { info } from "../../base/note.js";
import type { Sample } from "../../data/dataset.js";
import { capture } from "../../engine/capture.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Calibration, ValueRange } from "../calibration/calibration.js";

export async function calibrate(
  model: Model,
  names: readonly string[],
  _options: unknown,
  context: StepContext,
): Promise<Calibration> {
  const split = context.data.split("calibrate");
  const values = new Map<string, ValueRange>();
  const feeds = {
    async *[Symbol.asyncIterator]() {
      for await (const sample of split.samples({ limit: 128 }) as AsyncIterable<Sample>) yield sample.feeds;
    },
  };
  for await (const record of capture(model, names, feeds, context)) {
    for (const [name, { data }] of Object.entries(record)) {
      let { min, max } = values.get(name) ?? { min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
      for (const value of data as Float32Array) {
        if (value < min) min = value;
        if (value > max) max = value;
      }
      values.set(name, { low: min, high: max, min, max, mean: 0, deviation: 0 });
    }
  }
  return {
    model: "",
    range: "min-max",
    data: { name: context.data.name, synthetic: context.data.synthetic, samples: 128 },
    values,
    notes: [info("calibrated", `${values.size} values calibrated.`)],
  };
}
