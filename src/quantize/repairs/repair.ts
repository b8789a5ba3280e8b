// What a repair is: a rewrite before or after a scheme that wins back accuracy and leaves the form of the result alone.

import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { StepContext, StepResult } from "../../step/step.js";
import { isStatic as hasRanges, type Settings } from "../options.js";

export interface Given {
  /** What is to be rewritten: stage "before", the float model; stage "after", the model that the scheme made. */
  readonly model: Model;
  /** The float model: stage "before", as the step was given it; stage "after", as the scheme was given it. */
  readonly original: Model;
  readonly settings: Settings;
  readonly context: StepContext;
}

export interface Repaired extends StepResult {
  /** Labels of nodes that the scheme must leave float. */
  readonly keep?: readonly string[];
}

export interface Repair extends Method {
  /** Before the scheme on the float model, where it keeps what the model computes; or after it, on the result. */
  readonly stage: "before" | "after";
  /** Why it can do nothing with these settings, as the end of a sentence; undefined: it can. Stating it then is an error. */
  obstacle(settings: Settings): string | undefined;
  /** Whether it is applied where the option `repair` is not stated. Asked only where there is no obstacle. */
  byDefault(settings: Settings): boolean;
  /** The very model that was given when there was nothing to do, and a Note that says why. */
  apply(given: Given): Promise<Repaired>;
}

export const defineRepair = (repair: Repair): Repair => Object.freeze(repair);

/** Activations are integers with ranges that were calibrated. */
export const isStatic = ({ activations }: Settings): boolean => hasRanges(activations);

/** 16-bit and 32-bit floats have a relative error: nothing that rescales or shifts helps them. */
export const floatsObstacle = ({ format }: Settings): string | undefined =>
  format.kind === "float" && format.bits >= 16 ? `${format.name} weights lose next to nothing` : undefined;
