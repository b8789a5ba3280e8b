// Which simulation serves which scheme.

import { unsupported } from "../../base/errors.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Settings } from "../options.js";
import type { SimulateOptions, Simulation } from "./simulation.js";
import { simulateStatic } from "./static.js";

export { type SimulateOptions, type Simulation, simulateOptions } from "./simulation.js";

type Simulate = (
  model: Model,
  settings: Settings,
  options: SimulateOptions,
  context: StepContext,
) => Promise<Simulation>;

const bySchemes: Readonly<Record<string, Simulate>> = {
  static: simulateStatic,
};

/**
 * What training a model needs to know of a quantization by `scheme`, with what its options come to. Throws
 * `unsupported("simulate-scheme")`, and what planning and calibrating throw.
 */
export async function simulate(
  model: Model,
  { scheme, settings }: { readonly scheme: { readonly name: string }; readonly settings: Settings },
  options: SimulateOptions,
  context: StepContext,
): Promise<Simulation> {
  const own = bySchemes[scheme.name];
  if (own !== undefined) return own(model, settings, options, context);
  throw unsupported("simulate-scheme", `Training does not simulate ${scheme.name} quantization.`, {
    expected: Object.keys(bySchemes).join(", "),
  });
}
