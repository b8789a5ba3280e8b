// A scheme: one way to rewrite a model for a choice of weights and activations.

import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { StepContext, StepResult } from "../../step/step.js";
import type { Settings } from "../options.js";

export interface Scheme extends Method {
  /** Whether it makes what the settings ask for. Exactly one scheme of the list serves any valid settings. */
  serves(settings: Settings): boolean;
  /** Operators whose weights it can change, as `operatorKey` names them; "*": any. */
  readonly operators: readonly string[];
  apply(model: Model, settings: Settings, context: StepContext): Promise<StepResult>;
}

export const defineScheme = (scheme: Scheme): Scheme => Object.freeze(scheme);
