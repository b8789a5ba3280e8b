// How channels pass through an operator: which positions along which axes must stay or go together, what a channel that
// is gone leaves behind, and what else of the node changes when channels are cut out.

import type { Method } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import type { DType } from "../../tensor/dtype.js";
import type { Tensor } from "../../tensor/tensor.js";

/** One axis of a value; `axis` counts from the front. */
export interface Axis {
  readonly value: string;
  readonly axis: number;
}

/**
 * What every element of a removed channel holds when the channel is masked instead of cut: its weights, biases, shifts and
 * means set to zero where they are made. Undefined: it depends on the data, or differs from element to element.
 */
export type Rest = number | undefined;

/** What every rule can ask of a node's values. Values without a shape (sequences, optionals) never reach a rule. */
export interface ChannelNode {
  readonly node: Node;
  /** Version of the node's domain. */
  readonly opset: number;
  /** Observed dimensions. */
  dims(value: string): readonly number[];
  /** Observed element type. */
  dtype(value: string): DType;
  /** Whether it is made of constants alone: an initializer that no caller can override, or what nodes make of such. */
  isFixed(value: string): boolean;
  /** Whether it is an initializer of floats, so that what a cut channel leaves can be added up with it. */
  isFoldable(value: string): boolean;
  /** The numbers of a constant of at most 1024 elements (shapes, axes, bounds, scalars); undefined for all others. */
  numbers(value: string): readonly number[] | undefined;
}

/**
 * Where a rule says how positions hang together. Positions that end up connected stay or go as one. Every axis of every
 * input and output that the rule does not mention is kept whole, so a rule that forgets one is safe, not wrong. Axes of
 * length 1 are broadcast or trivial: they are never cut, and everything said of them is ignored.
 */
export interface Flow extends ChannelNode {
  /** Position i of one is position i of the other. Both are kept when their lengths differ. */
  tie(a: Axis, b: Axis): void;
  /** Position i of `from` is position `at(i)` of `to`, or none of them (undefined). */
  place(from: Axis, to: Axis, at: (position: number) => number | undefined): void;
  /** Positions of one axis that have the same key stay or go together. */
  bundle(axis: Axis, key: (position: number) => number): void;
  /** The axis may be cut freely as far as this node is concerned (its length is a weight's own, or follows by itself). */
  free(axis: Axis): void;
  /** All of a value, an axis, or some positions of an axis must stay. `reason` ends the sentence "kept because ...". */
  keep(what: string | Axis, reason: string, positions?: (position: number) => boolean): void;
  /**
   * The elements of `to` are those of `from` in the same order (Reshape, Flatten, Squeeze ...). Where axes are split or
   * merged, one of them carries the cut and the others stay whole; which one is decided when all other ties are known.
   */
  regroup(from: string, to: string): void;
  /** What the axis counts, for people and for the option `structure`. The first tag of a group wins, in the order of KINDS. */
  tag(axis: Axis, kind: ChannelKind): void;
}

/** "recurrent": units of LSTM, GRU, RNN; "head": attention heads; "filter": channels of convolutions; "hidden": all others. */
export const KINDS = ["recurrent", "head", "filter", "hidden"] as const;
export type ChannelKind = (typeof KINDS)[number];

/** Where a rule says what masked channels hold. Called for the nodes in order, when all ties are known. */
export interface Rests extends ChannelNode {
  /**
   * Of a constant: 0, since masking sets what makes channels to zero. That does not hold along an axis that a weight sums
   * over: there ask `sums` of the other operand.
   */
  rest(axis: Axis): Rest;
  /** States it for an output. What a rule does not state is undefined. */
  leaves(axis: Axis, rest: Rest): void;
  /** Every output axis holds what the input axes that flow() connected it with hold, where these agree. */
  carries(): void;
  /**
   * The node sums over this axis: it is kept unless masked channels hold 0 there, or, with "number", any number, which
   * `cut` then adds to the bias. `because`: why a bias cannot stand for a number here.
   */
  sums(axis: Axis, accepts: "zero" | "number", because?: string): void;
  /** Must stay after all. */
  keep(what: string | Axis, reason: string): void;
  /** What this node gives for scalar inputs (as far as stated), by running it. NaN and infinities: undefined. */
  run(inputs: readonly Rest[]): Promise<Rest>;
}

/** What `cut` may ask for. Constants of the node are cut already, by their positions; this is about all else. */
export interface Cut extends ChannelNode {
  /** Dimensions after the cut; `dims` are those before. */
  after(value: string): readonly number[];
  /** Positions that stay, ascending; undefined where all do. */
  kept(axis: Axis): readonly number[] | undefined;
  rest(axis: Axis): Rest;
  /** An initializer as it was before the cut, for folding; undefined where the value is computed. */
  weight(value: string): Tensor | undefined;
  /** Adds an int64 constant, of one axis unless dims are given, and gives its name. */
  ints(hint: string, values: readonly number[], dims?: readonly number[]): string;
  constant(hint: string, tensor: Tensor): string;
  /** A name for a new value. */
  fresh(hint: string): string;
}

export interface ChannelRule extends Method {
  /** As "OpType" (default domain) or "domain:OpType". */
  readonly operators: readonly string[];
  flow(flow: Flow): void;
  /** Default: nothing is known of the outputs. */
  rests?(rests: Rests): void | Promise<void>;
  /** The node or nodes in its place; undefined: as it is. Called when an axis of any input or output was cut. */
  cut?(cut: Cut): Node | readonly Node[] | undefined;
}

export const defineChannelRule = (rule: ChannelRule): ChannelRule => Object.freeze(rule);
