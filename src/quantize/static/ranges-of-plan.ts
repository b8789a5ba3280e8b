// Calibrates what a plan asks for; what turns out to have no range (numbers that are not finite, values that are empty) stays
// float, and the plan is made anew without it.

import { info, type Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import { calibrate, type ValueRange } from "../calibration/calibration.js";
import type { Settings } from "../options.js";
import { calibratedValues } from "./grids-of-plan.js";
import { type DetailedPlan, planStatic } from "./plan.js";

/** The plan that holds, and the ranges of what it quantizes. Throws what `calibrate` throws. */
export async function rangesOfPlan(
  model: Model,
  settings: Settings,
  context: StepContext,
): Promise<{
  readonly plan: DetailedPlan;
  readonly values: ReadonlyMap<string, ValueRange>;
  readonly notes: readonly Note[];
}> {
  const values = new Map<string, ValueRange>();
  const without = new Set<string>();
  let notes: readonly Note[] = [];
  // Codes of activations need no middle: that of the options is about weights.
  const options = { ...settings, symmetric: false };
  for (;;) {
    const plan = planStatic(model, settings, context.target, without);
    const asked = calibratedValues(plan).filter((name) => !values.has(name));
    if (asked.length === 0) return { plan, values, notes };
    const found = await calibrate(model, asked, options, context);
    // The first run tells of the data and the method.
    if (notes.length === 0) notes = found.notes;
    for (const name of asked) {
      const range = found.values.get(name);
      if (range) values.set(name, range);
      else without.add(name);
    }
    if (asked.every((name) => values.has(name))) return { plan, values, notes };
    notes = [...notes, info("replanned", `${without.size} values have no range: what needs them stays float.`)];
  }
}
