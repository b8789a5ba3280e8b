// What Adam and AdamW share: the moments, and the step made of them.

import { z } from "zod";
import type { Updated, UpdateSite } from "./optimizer.js";

export const adamOptions = z.object({
  beta1: z.number().min(0).lt(1).default(0.9).describe("How long the mean of gradients remembers"),
  beta2: z.number().min(0).lt(1).default(0.999).describe("How long the mean of their squares remembers"),
  epsilon: z.number().positive().default(1e-8).describe("Keeps the step finite where gradients vanish"),
});

type AdamOptions = z.output<typeof adamOptions>;

export const adamState = ["mean", "square"] as const;

/**
 * The states are the sums m = beta1 m + g and v = beta2 v + g^2, without the factors 1 - beta, which the numbers here take
 * in together with both bias corrections: with k = sqrt((1 - beta2) / (1 - beta2^t)), Adam's step is
 *   rate (1 - beta1) / (1 - beta1^t) m / (k sqrt(v) + epsilon) = (rate `step`) m / (sqrt(v) + `epsilon`).
 * Three passes over the weights less than the plain form.
 */
export function adamScalars(t: number, { beta1, beta2, epsilon }: AdamOptions) {
  const k = Math.sqrt((1 - beta2) / (1 - beta2 ** t));
  return { step: (1 - beta1) / (1 - beta1 ** t) / k, epsilon: epsilon / k };
}

/** The step from `weight` (decayed or not) along `gradient`. */
export function adamStep(site: UpdateSite<AdamOptions>, weight: string, gradient: string): Updated {
  const { emit, options, rate } = site;
  const mean = emit.add(emit.scale(site.state("mean"), options.beta1), gradient);
  const square = emit.add(emit.scale(site.state("square"), options.beta2), emit.square(gradient));
  const direction = emit.div(mean, emit.add(emit.sqrt(square), site.scalar("epsilon")));
  const step = emit.mul(direction, emit.mul(rate, site.scalar("step")));
  return { weight: emit.sub(weight, step), state: { mean, square } };
}
