// One budget of training for every run: a schedule of several steps shares among them what one-shot spends at once. Else
// "iterative is better" would only say that more training is.

/** What finetune trains when nothing is said. */
const EPOCHS = 3;
const BATCH = 32;

/**
 * The options of finetune for one of `parts` trainings: `steps` (updates) divided, rounded, at least 1. Epochs become updates
 * by the number of training samples; where that is not known (a stream), undefined: nothing can be divided.
 */
export function shareOfBudget(
  finetune: Readonly<Record<string, unknown>>,
  parts: number,
  samples: number | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const { epochs = EPOCHS, steps, ...rest } = finetune;
  const group = Number(finetune.batch ?? BATCH) * Number(finetune.accumulate ?? 1);
  const perEpoch = samples === undefined ? undefined : Math.max(1, Math.floor(samples / group));
  const updates = steps === undefined ? perEpoch && Number(epochs) * perEpoch : Number(steps);
  if (updates === undefined) return undefined;
  return { ...rest, steps: Math.max(1, Math.round(updates / parts)) };
}
