// A node as questions about a target see it: with the element types, constants and neighbours of its values.

import type { Node } from "../ir/model.js";
import type { DType } from "../tensor/dtype.js";

/** What a constant is, without its numbers. */
export interface ConstantView {
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface NodeView {
  readonly node: Node;
  /** "" in the main graph; else the way to it: "If_3/then_branch", "function local:Block". */
  readonly where: string;
  /** Version of the node's domain that holds where it stands; undefined when the model states none. */
  readonly version: number | undefined;
  /** Whether it calls a function that the model itself defines: the nodes of its body are views of their own. */
  readonly call: boolean;
  /** Undefined: not known. "other": no tensor (a sequence, an optional, a map). */
  dtype(name: string): DType | "other" | undefined;
  /** Undefined: computed, or an input. */
  constant(name: string): ConstantView | undefined;
  /** The node that makes a value, in this graph or around it. */
  producer(name: string): NodeView | undefined;
  /** The nodes of the same graph that take one of its outputs. */
  readonly users: readonly NodeView[];
}
