// Which repairs a step applies: those that are stated, else those that the settings call for.

import { invalid } from "../../base/errors.js";
import type { Settings } from "../options.js";
import { type Repair, repairs } from "./index.js";

/** The value of the option `repair` that stands for no repair at all. */
export const NO_REPAIR = "none";

/**
 * In the order of the list. Throws `invalid("repair-unknown")`, and `invalid("quantize-options")` for a repair that is stated
 * and could do nothing, and for "none" beside others.
 */
export function chosenRepairs(settings: Settings): readonly Repair[] {
  const { repair: stated } = settings;
  if (stated === undefined) {
    return repairs.list.filter((one) => one.obstacle(settings) === undefined && one.byDefault(settings));
  }
  if (stated.includes(NO_REPAIR) && stated.length > 1) {
    throw invalid("quantize-options", `Repair ${NO_REPAIR} means that there is no other.`, {
      found: `repair: ${stated.join(", ")}`,
      hint: `Leave ${NO_REPAIR} out, or the others.`,
    });
  }
  for (const name of stated) if (name !== NO_REPAIR) repairs.get(name);
  const chosen = repairs.list.filter(({ name }) => stated.includes(name));
  for (const one of chosen) {
    const obstacle = one.obstacle(settings);
    if (obstacle === undefined) continue;
    throw invalid("quantize-options", `Repair ${one.name} does nothing here: ${obstacle}.`, {
      found: `repair: ${stated.join(", ")}`,
      hint: `Leave ${one.name} out.`,
    });
  }
  return chosen;
}

/** Whether a repair is among those that are applied: what decides whether its own options are read. */
export const repairsWith = (settings: Settings, name: string): boolean =>
  chosenRepairs(settings).some((one) => one.name === name);
