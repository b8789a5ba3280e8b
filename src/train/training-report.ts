// How a training went, thinned out: what reports and charts show of a log that may have a million lines.

import type { Training } from "../metrics/report.js";
import type { Finetuned } from "./finetune.js";
import type { TrainLogEntry } from "./loop-options.js";

const POINTS = 400;

/** Every look at the held-out part is a point, the one before training is at 0, and so are evenly spaced updates; the loss is the mean since the last point. */
export function trainingReport({ log, samples, before }: Finetuned, seconds: number): Training {
  const every = Math.max(1, Math.ceil(log.length / POINTS));
  const points: Training["points"] = [];
  if (before) {
    const metric = before.metric?.value ?? null;
    points.push({ step: 0, loss: null, learningRate: 0, heldOutLoss: before.loss, metric });
  }
  let since: TrainLogEntry[] = [];
  log.forEach((entry, at) => {
    since.push(entry);
    const { held } = entry;
    if ((at + 1) % every !== 0 && held === undefined && at < log.length - 1) return;
    const taken = since.filter(({ skipped }) => !skipped);
    const loss = taken.reduce((sum, one) => sum + one.loss, 0) / taken.length;
    points.push({
      step: entry.step,
      loss: Number.isFinite(loss) ? loss : null,
      learningRate: entry.lr,
      heldOutLoss: held?.loss ?? null,
      metric: held?.metric?.value ?? null,
    });
    since = [];
  });
  const metric = before?.metric?.name ?? log.findLast(({ held }) => held?.metric)?.held?.metric?.name ?? null;
  const underflow = underflowOf(log);
  return {
    ...(underflow && { underflow }),
    steps: log.length,
    samples: samples.train,
    heldOut: samples.held,
    seconds,
    metric,
    points,
  };
}

/** Gradients that low precision made 0, over all updates that were taken; undefined where nothing was counted. */
export function underflowOf(log: readonly TrainLogEntry[]): NonNullable<Training["underflow"]> | undefined {
  const sum = (name: string) =>
    log.reduce((all, { figures, skipped }) => all + (skipped ? 0 : (figures?.[name] ?? 0)), 0);
  const count = sum("gradient_count");
  return count === 0 ? undefined : { lost: sum("underflow") / count, unscaled: sum("underflow_unscaled") / count };
}
