// What holds for weights while they are trained: another form that the forward pass reads, or a projection after each
// update. Pruning gives masks, quantization grids; training knows neither.

import type { Tensor } from "../tensor/tensor.js";
import type { Emitter } from "./emitter.js";
import type { TrainableWeight } from "./prepared.js";
import type { WriteSite } from "./rewrite.js";

export interface Constraint {
  /** Kebab-case, for messages. */
  readonly name: string;
  /** Whether it is on this weight. */
  applies(weight: TrainableWeight): boolean;
  /**
   * Gives what the forward pass reads instead of `value`, of the same shape and float32. It is differentiated through:
   * what it writes needs gradient rules. Constraints are applied in order, each on what the one before gave.
   */
  forward?(emit: Emitter, value: string, weight: TrainableWeight, site: WriteSite): string;
  /** Gives what the updated weight becomes. `value` is the weight before the update. Not differentiated. */
  project?(emit: Emitter, value: string, updated: string, weight: TrainableWeight): string;
}

/** Weights stay 0 where their mask is 0. Masks by prepared name: bool or uint8, of the weight's dimensions. */
export function keepZeros(masks: ReadonlyMap<string, Tensor>): Constraint {
  return {
    name: "keep-zeros",
    applies: ({ name }) => masks.has(name),
    project(emit, _value, updated, weight) {
      const { data } = masks.get(weight.name)!;
      const kept = emit.store(`mask_${weight.name}`, { dtype: "bool", dims: weight.dims, data });
      return emit.where(kept, updated, emit.number(0));
    },
  };
}

/** Weights stay 0 where they are 0 before an update, whoever made them so. By prepared names. */
export const zerosStay = (names: ReadonlySet<string>): Constraint => ({
  name: "zeros-stay",
  applies: ({ name }) => names.has(name),
  project: (emit, value, updated) => emit.where(emit.equal(value, emit.number(0)), emit.number(0), updated),
});

/** What the forward pass reads for a weight: `value`, or what its constraints make of it. */
export const constrained = (
  site: WriteSite,
  constraints: readonly Constraint[],
  weight: TrainableWeight,
  value: string,
): string =>
  constraints.reduce(
    (read, constraint) =>
      constraint.applies(weight) ? (constraint.forward?.(site.emit, read, weight, site) ?? read) : read,
    value,
  );
