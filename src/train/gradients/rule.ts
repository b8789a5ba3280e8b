// What a gradient rule is: a rewrite that emits ONNX nodes.

import type { Method } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import type { Emitter } from "../emitter.js";

/** One forward node whose gradient is wanted, and the emitter that the backward nodes are written with. */
export interface GradientSite {
  readonly node: Node;
  /** Where backward nodes are written. It knows the shape of every forward value and gradient. */
  readonly emit: Emitter;
  /** Names of the node's inputs and outputs; "" where not given. */
  input(index: number): string;
  output(index: number): string;
  /** The gradient of an output, of its dimensions; undefined when the loss does not depend on that output. */
  gradient(index: number): string | undefined;
  /** Whether the gradient of an input is wanted. Do no work for those that are not. */
  needs(index: number): boolean;
}

/** Gradients of the node's inputs by index; undefined where none is wanted or none flows. */
export type InputGradients = readonly (string | undefined)[];

export interface GradientRule extends Method {
  /** Operators that it serves, as "OpType" (default domain) or "domain:OpType". */
  readonly operators: readonly string[];
  /**
   * Inputs that a gradient can flow to, by index; default: all. Others (indices, shapes, axes) stop it: no rule is
   * needed before them.
   */
  differentiable?(input: number, node: Node): boolean;
  /**
   * Writes the backward nodes. At least one output has a gradient. The gradient of an input has the input's dimensions, or
   * those that broadcasting gave it: the driver sums out the rest, adds up what comes from several uses, and casts nothing.
   * Throws `unsupported("gradient-...")` with the node for a form that it does not know.
   */
  backward(site: GradientSite): InputGradients;
}

export const defineGradient = (rule: GradientRule): GradientRule => Object.freeze(rule);
