// What is true of an operator whatever pare does to it: which inputs are weights, along which axes, and what it costs.

import type { Method } from "../base/registry.js";
import type { Node } from "../ir/model.js";

/** One input of a node that holds a trained weight when it is constant. */
export interface WeightUse {
  /** Index into `node.inputs`. */
  readonly input: number;
  /**
   * "matrix": multiplied with activations; "table": rows are looked up; "recurrent": the matrices of a recurrent layer;
   * "vector": biases and the like, small.
   */
  readonly role: "matrix" | "table" | "recurrent" | "vector";
  /** The axis of the weight that becomes the channels (or rows) of the output; negative counts from the end. */
  readonly outputAxis: number;
  /** The axis that is summed over, the first of them where there are several; undefined for tables and vectors. */
  readonly reductionAxis: number | undefined;
}

/** What is known of a value: its dimensions suffice for cost. */
export interface Shaped {
  readonly dims: readonly number[];
}

/** Observed values and initializers by name. A Map will do. */
export interface Shapes {
  get(name: string): Shaped | undefined;
}

export interface Operator extends Method {
  /** Operators of this family as "OpType" (default domain) or "domain:OpType". */
  readonly operators: readonly string[];
  weights?(node: Node): readonly WeightUse[];
  /** Multiply-accumulates of one run; undefined when the shapes do not tell. */
  macs?(node: Node, shapes: Shapes): number | undefined;
}

export const defineOperator = (operator: Operator): Operator => Object.freeze(operator);

/** The key of `Operator.operators` for a node. */
export const operatorKey = (node: Node): string =>
  node.domain === "" || node.domain === "ai.onnx" ? node.opType : `${node.domain}:${node.opType}`;

/** Dimensions of the input or output value, or undefined when it is absent or not observed. */
export const dimsOf = (name: string | undefined, shapes: Shapes): readonly number[] | undefined =>
  name === undefined || name === "" ? undefined : shapes.get(name)?.dims;

export const product = (dims: readonly number[]): number => dims.reduce((all, dim) => all * dim, 1);
