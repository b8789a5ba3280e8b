// What static quantization knows of an operator: which inputs must be integers, which are weights, and what the pairs around
// it become in ONNX Runtime.

import type { Method } from "../../../base/registry.js";
import type { Initializer, Node } from "../../../ir/model.js";

/** What an operator may ask about its surroundings. */
export interface Site {
  /** The constant that no caller can replace; undefined: computed, an input, or not there. */
  constant(name: string): Initializer | undefined;
  /** The dimensions in which a node sees a constant weight, also through nodes that only rearrange it. */
  weightDims(node: Node, input: number): readonly number[] | undefined;
  /** The numbers of a small constant that is in memory already; undefined: not constant, or not known yet. */
  numbers(name: string): readonly number[] | undefined;
}

export interface WeightInput {
  readonly input: number;
  /** The axis of output channels as the node sees the weight; undefined: one scale for all. */
  readonly axis: number | undefined;
  /** How its products are summed: `matrix` in the order of its axes; `image` may go by channels last; `depthwise` one by one. */
  readonly sum: "matrix" | "image" | "depthwise";
  /** `matrix`: the axis that is summed over. */
  readonly along?: number;
}

/** A node as a cluster: what must be integer so that the runtime fuses it with the pairs around it. */
export interface Use {
  /** Inputs that must be quantized activations. Constants among them must be scalars. */
  readonly activations: readonly number[];
  readonly weight?: WeightInput;
  /** The input that becomes int32 with the scale of the products. */
  readonly bias?: number;
  /** `integer`: fuses only with quantized results; `either`: can also give float. */
  readonly result: "integer" | "either";
  /** Begins an island by itself: its speed pays for quantizing its inputs. Others only join. */
  readonly seed: boolean;
  /** All that it takes and gives has one scale and zero point: it only moves numbers. */
  readonly moves?: boolean;
  /** Its inputs want the scale of the result, where nobody else reads them. */
  readonly gathers?: boolean;
  /** The range of the result whatever the data: by definition. */
  readonly range?: readonly [low: number, high: number];
  /** The fused operator, and, where the result stays float, that. */
  readonly becomes: string;
  readonly becomesFloat?: string;
}

export interface StaticOperator extends Method {
  /** Operators of the default domain. */
  readonly operators: readonly string[];
  /** How the node takes part, or why it cannot. */
  use(node: Node, site: Site): Use | string;
}

export const defineStaticOperator = (operator: StaticOperator): StaticOperator => Object.freeze(operator);

/** Whether an input is given. */
export const has = (node: Node, input: number): boolean => (node.inputs[input] ?? "") !== "";
