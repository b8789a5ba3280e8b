// The gate: whether a smaller form is as good as the model it came from, from their rows in a report.

import type { ModelReport, Report } from "./metrics/report.js";

export interface Verdict {
  readonly passed: boolean;
  /** One sentence with the numbers that decided. */
  readonly reason: string;
}

/** What the gate asks for; the defaults are pare's own. */
export interface GateLimits {
  /** Real samples below which shares and scores say too little, and the outputs themselves are judged. */
  readonly samples: number;
  /** Real data with classes: least share of samples whose top class stays. */
  readonly agreement: number;
  /** Real data with labels: largest loss of the metric, absolute (perplexity and errors: relative). */
  readonly drop: number;
  /** Synthetic data, or outputs without classes: every output's least cosine and SQNR. */
  readonly cosine: number;
  readonly sqnrDb: number;
  /** Largest latency over the float model's, on every engine of the target. */
  readonly latency: number;
}

export const GATE: GateLimits = { samples: 32, agreement: 0.98, drop: 0.01, cosine: 0.999, sqnrDb: 20, latency: 1.1 };

/**
 * Judges quality: by labels or top-1 agreement on real data, by cosine and SQNR of every output otherwise. `both`: labels and
 * agreement must do. A score of a hundred samples can stay by luck while one in ten changes class; agreement cannot.
 */
export function judgeQuality(
  row: ModelReport,
  reference: ModelReport,
  data: Pick<Report["data"], "synthetic">,
  limits: GateLimits = GATE,
  both = false,
): Verdict {
  const { fidelity } = row;
  if (!fidelity || fidelity.verified === "no")
    return { passed: false, reason: "it could not be run against the original" };
  if (fidelity.maxAbs === null) return { passed: false, reason: "an output has NaN or infinite values" };
  if (!data.synthetic && (fidelity.samples ?? 0) >= limits.samples) {
    const loss = metricLoss(row, reference);
    const scored = loss !== undefined && loss.value <= limits.drop + 1e-9;
    if (scored && (!both || fidelity.agreement === null)) return { passed: true, reason: loss.text };
    const share =
      fidelity.agreement === null
        ? undefined
        : `top-1 agreement ${fidelity.agreement.toFixed(4)} (n = ${fidelity.samples})`;
    const agrees = share !== undefined && fidelity.agreement! >= limits.agreement;
    if (agrees && (!both || loss === undefined || scored)) return { passed: true, reason: share };
    if (loss !== undefined || share !== undefined) {
      return { passed: false, reason: [loss?.text, share].filter(Boolean).join(", ") };
    }
  }
  return judgeNumbers(fidelity, limits);
}

function judgeNumbers({ cosine, sqnrDb, outputs }: NonNullable<ModelReport["fidelity"]>, limits: GateLimits): Verdict {
  const rows = outputs ?? [{ name: "outputs", cosine, sqnrDb }];
  // No SQNR at all: the output is equal bit for bit, or the reference has no signal, and then the cosine tells.
  const bad = rows.find(
    (output) =>
      (output.cosine !== null && output.cosine < limits.cosine) ||
      (output.sqnrDb !== null && output.sqnrDb < limits.sqnrDb),
  );
  const shown = bad ?? { name: "", cosine, sqnrDb };
  const numbers = `cosine ${shown.cosine?.toFixed(5) ?? "1"}, SQNR ${shown.sqnrDb === null ? "exact" : `${shown.sqnrDb.toFixed(1)} dB`}`;
  return bad ? { passed: false, reason: `output ${bad.name}: ${numbers}` } : { passed: true, reason: numbers };
}

/** The loss in the metric's own direction, positive when worse; relative for metrics where lower is better. */
function metricLoss(row: ModelReport, reference: ModelReport): { value: number; text: string } | undefined {
  const now = row.accuracy;
  const before = reference.accuracy;
  if (!now || !before || now.samples === 0) return undefined;
  const value =
    now.better === "lower"
      ? (now.value - before.value) / Math.max(Math.abs(before.value), 1e-12)
      : before.value - now.value;
  return { value, text: `${now.metric} ${before.value.toFixed(4)} -> ${now.value.toFixed(4)} (n = ${now.samples})` };
}
