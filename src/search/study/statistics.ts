// What several runs come to: spreads over seeds, and differences over the same samples.

import type { AccuracyResult } from "../../metrics/accuracy/index.js";
import { differenceOf } from "../../metrics/difference.js";
import type { Spread, StudyDifference, StudyScore } from "../../metrics/study-report.js";

/** Mean, sample standard deviation (n - 1; 0 of one), least and largest. Of no values: NaN. */
export function spreadOf(values: readonly number[]): Spread {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, sd: n < 2 ? 0 : Math.sqrt(squares / (n - 1)), low: Math.min(...values), high: Math.max(...values), n };
}

/** Outcomes of 0 and 1 as a string, which is short; all others as they are. */
export function scoreOf({ value, samples, perSample, perDocument }: AccuracyResult): StudyScore {
  const outcomes =
    perSample === undefined
      ? undefined
      : perSample.every((one) => one === 0 || one === 1)
        ? perSample.join("")
        : perSample;
  return {
    value,
    samples,
    ...(outcomes !== undefined && { perSample: outcomes }),
    ...(perDocument && { perDocument }),
  };
}

/** `second` minus `first` with its 95% interval (`metrics/paired`), or without where they cannot be paired. */
export function differ(first: StudyScore, second: StudyScore): StudyDifference {
  const found = differenceOf(resultOf(first), resultOf(second));
  if (found) return found;
  return {
    value: second.value - first.value,
    low: null,
    high: null,
    samples: Math.min(first.samples, second.samples),
  };
}

/**
 * The mean of differences over the same samples. Its interval reaches from the mean of the lower to the mean of the upper
 * ends: the standard deviation of a mean is no larger than the mean of the standard deviations, however they hang together,
 * so it is none too narrow.
 */
export function meanDifference(all: readonly StudyDifference[]): StudyDifference {
  const mean = (of: (one: StudyDifference) => number) => all.reduce((sum, one) => sum + of(one), 0) / all.length;
  const known = all.every(({ low, high }) => low !== null && high !== null);
  return {
    value: mean(({ value }) => value),
    low: known ? mean(({ low }) => low!) : null,
    high: known ? mean(({ high }) => high!) : null,
    samples: Math.min(...all.map(({ samples }) => samples)),
  };
}

function resultOf({ value, samples, perSample, perDocument }: StudyScore): AccuracyResult {
  const outcomes = typeof perSample === "string" ? Array.from(perSample, Number) : perSample;
  return { value, samples, ...(outcomes && { perSample: outcomes }), ...(perDocument && { perDocument }) };
}
