// A scheme: one way to rewrite a model for a choice of weights and activations.

import { internal } from "../../base/errors.js";
import type { Method } from "../../base/registry.js";
import type { Model, Node } from "../../ir/model.js";
import type { StepContext, StepResult } from "../../step/step.js";
import type { Target } from "../../targets/target.js";
import type { Workers } from "../computation.js";
import type { OptionName, QuantizeOptions, Settings } from "../options.js";
import { repairsWith } from "../repairs/choose.js";

/** When a scheme reads an option: always, or where other settings make it matter (`needs` says which, in words). */
export type Read = true | { when(settings: Settings, target: Target): boolean; readonly needs: string };

/** What every scheme reads: the choice of the scheme, and of the weights. */
export const COMMON = {
  weights: true,
  activations: true,
  keep: true,
  only: true,
  minimum: true,
  // What could do nothing is refused by `chosenRepairs`, by the name of the repair.
  repair: true,
  biasCorrection: { when: (settings) => repairsWith(settings, "bias-correction"), needs: "repair bias-correction" },
  outlierShare: { when: (settings) => repairsWith(settings, "outliers"), needs: "repair outliers" },
  alpha: {
    when: (settings) => repairsWith(settings, "smooth") || repairsWith(settings, "awq"),
    needs: "repair smooth or awq",
  },
  calibrationSamples: {
    when: (settings) => ["smooth", "awq", "bias-correction"].some((name) => repairsWith(settings, name)),
    needs: "a repair that looks at data: smooth, awq, bias-correction",
  },
} as const satisfies Partial<Record<OptionName, Read>>;

/** Where a plan is for, and what computes it once its weights are read. */
export type Place = Workers & { readonly target: Target };

/** Workers of a plan whose weights are never read. */
export const LATER: Workers = {
  kernels: () => Promise.reject(internal("a plan that was only foreseen is read")),
  signal: undefined,
};

/** What a scheme would do, known without reading a weight. */
export interface Foresight {
  /** Nodes and the form that they, or their weights, would take. */
  readonly made: readonly (readonly [node: Node, form: string])[];
  /** Nodes and why they, or what they use as a weight, would stay. */
  readonly kept: readonly (readonly [node: Node, reason: string])[];
}

export interface Scheme extends Method {
  /** Whether it makes what the settings ask for. Exactly one scheme of the list serves any valid settings. */
  serves(settings: Settings): boolean;
  /** The options it reads: stating any other is an error, because it would do nothing. */
  readonly reads: Readonly<Partial<Record<OptionName, Read>>>;
  /** Operators whose weights it can change, as `operatorKey` names them; "*": any. */
  readonly operators: readonly string[];
  /** What becomes of the weights that it leaves, as options of a step of its own, applied after it; default: nothing. */
  rest?(settings: Settings): QuantizeOptions;
  /** The same plan as `apply` makes, of a model that has been prepared. Ranges of values are not looked at. */
  foresee(model: Model, settings: Settings, target: Target): Foresight;
  apply(model: Model, settings: Settings, context: StepContext): Promise<StepResult>;
}

export const defineScheme = (scheme: Scheme): Scheme => Object.freeze(scheme);
