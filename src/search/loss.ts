// What a compressed model lost against its original, as one number that a limit can be put on.

import { invalid } from "../base/errors.js";
import { pairedDifference } from "../metrics/paired.js";
import type { ModelReport, Report } from "../metrics/report.js";

/** A limit on what may be lost: in the measure's own unit, or as a share of what the original has. */
export interface MaxDrop {
  readonly value: number;
  readonly relative: boolean;
}

export interface Loss {
  /**
   * What was measured: the metric of the labels ("top-1", "perplexity" ...); without labels "agreement" (share of samples
   * whose top class stays) where the outputs have classes and the data is real; else "cosine" (of the worst output).
   */
  readonly measure: string;
  readonly before: number;
  readonly after: number;
  /** How much worse, in the measure's own unit; negative: better. NaN never: what cannot be measured is Infinity. */
  readonly drop: number;
  /** The 95% interval of `drop`, where there is one. */
  readonly interval?: { readonly low: number; readonly high: number };
  readonly samples: number;
}

/** `0.01` or "0.01": in the measure's own unit; "1%": of what the original has. Throws `invalid("option-invalid")`. */
export function parseMaxDrop(given: number | string | MaxDrop): MaxDrop {
  if (typeof given === "object") return given;
  const [, digits, percent] = /^\s*(\d*\.?\d+(?:e-?\d+)?)\s*(%?)\s*$/i.exec(String(given)) ?? [];
  const value = Number(digits);
  if (digits !== undefined && Number.isFinite(value)) {
    return percent ? { value: value / 100, relative: true } : { value, relative: false };
  }
  throw invalid("option-invalid", `"${given}" is no largest drop.`, {
    expected: "a number of 0 or more in the metric's own unit (0.01), or a share of the original's (1%)",
    found: String(given),
  });
}

/** Rounding of sums must not decide. */
const SLACK = 1e-9;

export const within = ({ drop, before }: Loss, limit: MaxDrop): boolean =>
  drop <= limit.value * (limit.relative ? Math.abs(before) : 1) + SLACK;

/** A row of a report against its first row. */
export function lossOf(row: ModelReport, reference: ModelReport, data: Pick<Report["data"], "synthetic">): Loss {
  const { fidelity } = row;
  const samples = fidelity?.samples ?? 0;
  const [now, then] = [row.accuracy, reference.accuracy];
  if (now && then && now.samples > 0) {
    const sign = now.better === "lower" ? 1 : -1;
    const { difference } = now;
    const ends = difference && [sign * difference.low, sign * difference.high].sort((a, b) => a - b);
    return {
      measure: now.metric,
      before: then.value,
      after: now.value,
      drop: known(sign * (now.value - then.value)),
      ...(ends && { interval: { low: ends[0]!, high: ends[1]! } }),
      samples: now.samples,
    };
  }
  const agreement = fidelity?.agreement ?? null;
  if (!data.synthetic && agreement !== null && fidelity?.maxAbs !== null) {
    const stay = Math.round(agreement * samples);
    const stays = Array.from({ length: samples }, (_, at) => Number(at < stay));
    const found = samples < 2 ? undefined : pairedDifference(stays, new Array<number>(samples).fill(1));
    return {
      measure: "agreement",
      before: 1,
      after: agreement,
      drop: 1 - agreement,
      ...(found && { interval: { low: found.low, high: found.high } }),
      samples,
    };
  }
  const cosine = fidelity?.maxAbs === null ? null : (fidelity?.cosine ?? null);
  return { measure: "cosine", before: 1, after: cosine ?? 0, drop: known(1 - (cosine ?? Number.NaN)), samples };
}

const known = (value: number) => (Number.isNaN(value) ? Number.POSITIVE_INFINITY : value);

/** "top-1 0.8530 -> 0.8420, drop 0.0110 (95% -0.0010 to 0.0230, n = 800)". */
export function describeLoss({ measure, before, after, drop, interval, samples }: Loss): string {
  const digits = measure === "cosine" ? 6 : 4;
  const text = (value: number) => value.toFixed(digits);
  const range = interval ? `95% ${text(interval.low)} to ${text(interval.high)}, ` : "";
  return `${measure} ${text(before)} -> ${text(after)}, drop ${text(drop)} (${range}n = ${samples})`;
}
