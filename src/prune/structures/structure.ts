// What a structure is: what is removed as one. Elements of weights that become zero, or channels that are cut out.

import type { Method } from "../../base/registry.js";
import type { Group } from "../group/group.js";

/** How a weight is divided into cells. */
export interface Cells {
  readonly count: number;
  /** The cell of an element, by its index in the weight's own order; -1: it is never removed. */
  cellOf(element: number): number;
  /** N:M: of every `of` cells with the same number div `of`, exactly `of - keep` go. Scopes have nothing to choose then. */
  readonly pattern?: { readonly keep: number; readonly of: number };
}

export interface WeightShape {
  readonly dims: readonly number[];
  readonly reductionAxis: number;
  readonly outputAxis: number;
}

/** Zeros in weights that keep their shape. */
export interface MaskStructure extends Method {
  readonly kind: "mask";
  /** `options` are those of the structure, parsed. Throws `invalid("structure-unfit")` where the weight cannot be divided so. */
  cells(weight: WeightShape, options: Readonly<Record<string, unknown>>): Cells;
}

/** Channels that are cut out, so that shapes shrink. */
export interface GroupStructure extends Method {
  readonly kind: "group";
  includes(group: Group): boolean;
}

/** Parts of the graph that go: blocks, rows of tables. */
export interface GraphStructure extends Method {
  readonly kind: "graph";
}

export type Structure = MaskStructure | GroupStructure | GraphStructure;

export const defineStructure = <S extends Structure>(structure: S): S => Object.freeze(structure);
