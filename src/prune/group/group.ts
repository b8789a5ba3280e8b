// Groups of coupled channels: what must be cut together, and what must stay.

import type { Note } from "../../base/note.js";
import type { Model } from "../../ir/model.js";
import type { ChannelKind, Rest } from "../../ops/channels/rule.js";

/** Where the units of a group lie along one axis of one value. */
export interface Place {
  readonly value: string;
  readonly axis: number;
  /** An initializer; else what a node gives. */
  readonly constant: boolean;
  /** Of a constant: whether the group is along the axis that makes channels ("output"), reads them ("input"), or a vector of them. */
  readonly role: "output" | "input" | "vector" | "value";
  /** Positions of one unit: 1 mostly, more behind a Flatten or in a head. */
  readonly perUnit: number;
  /** Of all units, one unit after the other: `units * perUnit` long. */
  readonly positions: Int32Array;
}

export interface Group {
  /** Of the weight that makes its channels first in graph order, made unique; the same for the same architecture. */
  readonly name: string;
  readonly kind: ChannelKind;
  /** How many there are that can go one by one. */
  readonly units: number;
  /** Constants and inner values, in graph order. */
  readonly places: readonly Place[];
  /** Why its units must stay; undefined where they may go. */
  readonly obstacle: { readonly reason: string; readonly node: string } | undefined;
}

export interface Grouping {
  /** What groups speak of: the given model, cleaned so that every constant is an initializer. */
  readonly model: Model;
  /** In graph order of their first place. Only those that hold a weight. */
  readonly groups: readonly Group[];
  /** Observed dimensions by value, for one binding of the free dimensions. */
  readonly dims: ReadonlyMap<string, readonly number[]>;
  /** What masked channels hold along an axis of a value, by `value` and axis. */
  rest(value: string, axis: number): Rest;
  readonly notes: readonly Note[];
}

/** Units to remove by name of their group: distinct, ascending. At least one unit of each group must be left. */
export type Removal = ReadonlyMap<string, readonly number[]>;

/** What was taken out of one constant. */
export interface CutWeight {
  readonly weight: string;
  readonly axis: number;
  readonly role: Place["role"];
  readonly removed: readonly number[];
}

export interface CutResult {
  readonly model: Model;
  readonly weights: readonly CutWeight[];
  readonly notes: readonly Note[];
}
