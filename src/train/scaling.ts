// Dynamic loss scaling: small gradients are lifted into the range of a 16-bit float by multiplying the loss. A step whose
// gradients are not finite is not taken, and the scale is halved; after enough good ones it is doubled.
// Source: Micikevicius et al., "Mixed precision training", https://arxiv.org/abs/1710.03740.

export interface ScalingOptions {
  /** Never changes it. */
  readonly constant: boolean;
  /** The scale before the first step. */
  readonly initial: number;
  /** Steps in a row without overflow after which the scale is doubled. */
  readonly interval: number;
  readonly min: number;
  /** Growth ends here; the initial scale may be larger. */
  readonly max: number;
}

/** PyTorch's and Apex' figures. */
export const SCALING: ScalingOptions = {
  constant: false,
  initial: 2 ** 16,
  interval: 2000,
  min: 2 ** -14,
  max: 2 ** 24,
};

/** Plain data: part of a checkpoint. */
export interface ScaleState {
  readonly scale: number;
  /** Steps without overflow since the scale last changed. */
  readonly good: number;
  /** Steps that were not taken, in all. */
  readonly skipped: number;
}

export const startScale = ({ initial }: ScalingOptions = SCALING): ScaleState => ({
  scale: initial,
  good: 0,
  skipped: 0,
});

/** The state after a step; `finite`: whether its gradients were. */
export function nextScale({ scale, good, skipped }: ScaleState, finite: boolean, options = SCALING): ScaleState {
  const { constant, interval, min, max } = options;
  if (!finite)
    return { scale: constant ? scale : Math.min(scale, Math.max(min, scale / 2)), good: 0, skipped: skipped + 1 };
  if (constant || good + 1 < interval) return { scale, good: good + 1, skipped };
  // A scale beyond the bound was stated: it stays.
  return { scale: Math.max(scale, Math.min(max, scale * 2)), good: 0, skipped };
}
