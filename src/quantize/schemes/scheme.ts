// A scheme: one way to rewrite a model for a choice of weights and activations.

import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { StepContext, StepResult } from "../../step/step.js";
import type { Target } from "../../targets/target.js";
import type { OptionName, Settings } from "../options.js";

/** When a scheme reads an option: always, or where other settings make it matter (`needs` says which, in words). */
export type Read = true | { when(settings: Settings, target: Target): boolean; readonly needs: string };

/** What every scheme reads: the choice of the scheme, and of the weights. */
export const COMMON = {
  weights: true,
  activations: true,
  keep: true,
  only: true,
  minimum: true,
} as const satisfies Partial<Record<OptionName, Read>>;

export interface Scheme extends Method {
  /** Whether it makes what the settings ask for. Exactly one scheme of the list serves any valid settings. */
  serves(settings: Settings): boolean;
  /** The options it reads: stating any other is an error, because it would do nothing. */
  readonly reads: Readonly<Partial<Record<OptionName, Read>>>;
  /** Operators whose weights it can change, as `operatorKey` names them; "*": any. */
  readonly operators: readonly string[];
  apply(model: Model, settings: Settings, context: StepContext): Promise<StepResult>;
}

export const defineScheme = (scheme: Scheme): Scheme => Object.freeze(scheme);
