// The scale and zero point of every quantized value, from what calibration found.

import { failed } from "../../base/errors.js";
import type { Calibration } from "../calibration/calibration.js";
import type { ActivationType } from "../options.js";
import { type ActivationGrid, activationGrid } from "./activation-grid.js";
import type { DetailedPlan } from "./plan.js";

/** The values whose ranges are asked of calibration, in graph order. */
export function calibratedValues(plan: DetailedPlan): readonly string[] {
  const names = new Set<string>();
  for (const group of plan.groups.values()) {
    if (group.range === undefined) for (const name of group.sources) names.add(name);
  }
  return plan.quantized.filter((name) => names.has(name));
}

/** By value. Throws `failed("calibration-missing")` for one that calibration says nothing of. */
export function gridsOfPlan(
  plan: DetailedPlan,
  calibration: Pick<Calibration, "values">,
  dtype: ActivationType,
): ReadonlyMap<string, ActivationGrid> {
  const grids = new Map<string, ActivationGrid>();
  const made = new Map<object, ActivationGrid>();
  for (const name of plan.quantized) {
    const group = plan.groups.get(name)!;
    let grid = made.get(group);
    if (grid === undefined) {
      let [low, high] = group.range ?? [0, 0];
      for (const source of group.range ? [] : group.sources) {
        const range = calibration.values.get(source);
        if (range === undefined) throw missing(source);
        low = Math.min(low, range.low);
        high = Math.max(high, range.high);
      }
      grid = activationGrid(dtype, { low, high }, group.bounds);
      made.set(group, grid);
    }
    grids.set(name, grid);
  }
  return grids;
}

const missing = (name: string) =>
  failed("calibration-missing", `The calibration has no range of the value "${name}".`, {
    node: name,
    hint: "Leave the nodes around it float (keep), or calibrate anew without the saved ranges.",
  });
