// What a structure is: what is removed as one. Elements of weights that become zero, or channels that are cut out.

import type { Note } from "../../base/note.js";
import type { Method } from "../../base/registry.js";
import type { Model } from "../../ir/model.js";
import type { StepContext } from "../../step/step.js";
import type { Group } from "../group/group.js";
import type { PruneRow } from "../table.js";

/** How a weight is divided into cells. */
export interface Cells {
  /** Numbers of cells go from 0 to this. Of a pattern, some may hold no element: they fill the last group up. */
  readonly count: number;
  /** The cell of an element, by its index in the weight's own order; -1: it is never removed. */
  cellOf(element: number): number;
  /** Every element is a cell of its own, with its own number. */
  readonly plain?: true;
  /**
   * N:M: of every `of` cells with the same number div `of`, exactly `of - keep` go, those without an element first. Scopes have
   * nothing to choose then.
   */
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

/** What the step's options ask of a structure that is part of the graph. */
export interface GraphRequest {
  /** As the user wrote it: a share that goes, or what may be left. */
  readonly goal: { readonly measure: "ratio" | "macs" | "bytes" | "latency"; readonly amount: number | string };
  /** Patterns of layers of which nothing goes, and of those that may go; none of these: all. */
  readonly keep: readonly string[];
  readonly only: readonly string[];
}

/** Parts of the graph that go: blocks, rows of tables. */
export interface GraphStructure extends Method {
  readonly kind: "graph";
  /** `options` are those of the structure, parsed. In one step: there is nothing to score again in between. */
  remove(
    model: Model,
    request: GraphRequest,
    options: Readonly<Record<string, unknown>>,
    context: StepContext,
  ): Promise<{ readonly model: Model; readonly notes: readonly Note[]; readonly table: readonly PruneRow[] }>;
}

export type Structure = MaskStructure | GroupStructure | GraphStructure;

export const defineStructure = <S extends Structure>(structure: S): S => Object.freeze(structure);
