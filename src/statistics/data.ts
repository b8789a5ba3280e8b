// The samples that calibration runs on.

import { invalid } from "../base/errors.js";
import type { Dataset, Sample } from "../data/dataset.js";
import type { StepContext } from "../step/step.js";

/**
 * Sessions that calibrate run on one thread: with more, ONNX Runtime cuts a value elsewhere, and some operators (Log,
 * Softplus, Mish) then differ in the last bit, so that results would depend on the machine's number of cores. The kernels
 * that count numbers run beside it.
 */
export const ONE_THREAD = { threads: 1 } as const;

export interface CalibrationData {
  readonly name: string;
  readonly synthetic: boolean;
  /** The first sample. */
  readonly first: Sample;
  /** How many there will be, 0 where that is not known. */
  readonly expected: number;
  /** The same samples in the same order at every call. Tells the context's progress, stops when it is told to. */
  samples(task?: string): AsyncIterable<Sample>;
}

/** The part of the context's data that is meant to calibrate. Throws `invalid("calibration-empty")`. */
export async function calibrationData(context: StepContext, limit: number): Promise<CalibrationData> {
  const data: Dataset = context.data.split("calibrate");
  const { signal } = context;
  const read = (most: number) => data.samples({ limit: most, ...(signal && { signal }) });
  let first: Sample | undefined;
  for await (const sample of read(1)) first ??= sample;
  if (first === undefined) {
    throw invalid("calibration-empty", `There is no sample in the calibrate part of ${data.name}.`, {
      hint: "State a split in dataset.json that leaves some samples to calibrate.",
    });
  }
  const expected = data.size === undefined ? 0 : Math.min(data.size, limit);
  return {
    name: data.name,
    synthetic: data.synthetic,
    first,
    expected,
    async *samples(task = "calibrate") {
      let done = 0;
      for await (const sample of read(limit)) {
        signal?.throwIfAborted();
        yield sample;
        context.onProgress?.({ task, done: ++done, total: expected });
      }
    },
  };
}
