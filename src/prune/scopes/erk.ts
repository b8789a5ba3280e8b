// Erdos-Renyi kernel: how dense a layer stays follows from its shape alone; small layers keep more.

import { allowedCount, fixedCount, leftToGo } from "./counts.js";
import { defineScope, type Item } from "./scope.js";

export const erk = defineScope({
  name: "erk",
  summary: "By shape: layers stay dense in proportion to (inputs + outputs + kernel) / (inputs x outputs x kernel)",
  reference: "https://arxiv.org/abs/1911.11134",
  /** RigL, section 3 (1): densities above 1 are 1, and the factor of the others is raised until the goal is met. */
  async choose(items, goal) {
    const free = items.filter((item) => item.ratio === undefined);
    const left = leftToGo(items, goal);
    const goneBy = (factor: number) => (item: Item) =>
      Math.min(item.most, (1 - Math.min(1, factor * density(item))) * item.cells);
    const weightBy = (factor: number) => free.reduce((sum, item) => sum + goneBy(factor)(item) * item[goal.measure], 0);
    // What goes falls as the factor grows: bisection to the last bit, whatever caps there are.
    let low = 0;
    let high = 1;
    while (weightBy(high) > Math.max(left, 0) && high < 1e300) high *= 2;
    for (let round = 0; round < 100; round++) {
      const middle = (low + high) / 2;
      if (weightBy(middle) > left) low = middle;
      else high = middle;
    }
    return items.map((item) => fixedCount(item) ?? allowedCount(item, goneBy(high)(item)));
  },
});

/** Up to the factor that all layers share. */
function density({ shape: { inputs, outputs, kernel } }: Item): number {
  const sizes = [inputs, outputs, ...kernel];
  return sizes.reduce((sum, size) => sum + size, 0) / sizes.reduce((product, size) => product * size, 1);
}
