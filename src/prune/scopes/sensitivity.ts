// By what the model loses: each layer is tried alone at a few shares, and what costs least goes first.

import { z } from "zod";
import { allowedCount, fixedCount, leftToGo } from "./counts.js";
import { defineScope, type Item, type ScopeContext } from "./scope.js";

const options = z.object({
  ratios: z
    .array(z.number().gt(0).max(1))
    .min(1)
    .default([0.25, 0.5, 0.75, 0.9])
    .describe("Shares at which each layer is tried alone; between them the loss is taken to grow evenly"),
});

export const sensitivity = defineScope({
  name: "sensitivity",
  summary: "Each layer is tried alone on the data, and what changes the outputs least for what it saves goes first",
  reference: "https://arxiv.org/abs/1608.08710",
  options,
  /** Losses of layers are taken to add up. Runs the model (number of shares + 1) times for each layer. */
  async choose(items, goal, { ratios }, context) {
    const counts = items.map((item) => fixedCount(item) ?? 0);
    const steps: (Step & { readonly at: number })[] = [];
    for (const [at, item] of items.entries()) {
      context.onProgress?.({ task: "try layers", done: at, total: items.length });
      if (item.ratio !== undefined || item[goal.measure] === 0) continue;
      for (const step of await stepsOf(item, ratios, context)) steps.push({ ...step, at });
    }
    const weightOf = (at: number) => items[at]![goal.measure];
    const price = ({ at, from, to, loss }: (typeof steps)[number]) => loss / ((to - from) * weightOf(at));
    let left = leftToGo(items, goal);
    for (const step of steps.toSorted((a, b) => price(a) - price(b))) {
      if (left <= 0) break;
      const weight = weightOf(step.at);
      const cells = Math.min(step.to - step.from, left / weight);
      counts[step.at] = allowedCount(items[step.at]!, step.from + cells);
      left -= (counts[step.at]! - step.from) * weight;
    }
    return counts;
  },
});

/** From so many cells gone to so many, at so much more loss. */
interface Step {
  readonly from: number;
  readonly to: number;
  readonly loss: number;
}

/** In the order of their price: the lower convex hull of what was measured, so that a dear step never hides a cheap one. */
async function stepsOf(item: Item, ratios: readonly number[], context: ScopeContext): Promise<Step[]> {
  const tried = new Set([...ratios.map((ratio) => allowedCount(item, ratio * item.cells)), item.most]);
  const hull: { count: number; loss: number }[] = [{ count: 0, loss: 0 }];
  for (const count of [...tried].filter((one) => one > 0).sort((a, b) => a - b)) {
    context.signal?.throwIfAborted();
    // More is never taken to lose less: that is noise of few samples.
    const loss = Math.max(await context.distance(await item.without(count)), hull.at(-1)!.loss);
    const point = { count, loss: Number.isFinite(loss) ? loss : Number.MAX_VALUE };
    while (hull.length > 1 && slope(hull.at(-2)!, hull.at(-1)!) >= slope(hull.at(-2)!, point)) hull.pop();
    hull.push(point);
  }
  return hull
    .slice(1)
    .map(({ count, loss }, at) => ({ from: hull[at]!.count, to: count, loss: loss - hull[at]!.loss }));
}

const slope = (a: { count: number; loss: number }, b: { count: number; loss: number }) =>
  (b.loss - a.loss) / (b.count - a.count);
