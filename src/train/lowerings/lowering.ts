// What a lowering is: one composite operator written as plain ones, whose gradients are known.

import type { Method } from "../../base/registry.js";
import type { Node } from "../../ir/model.js";
import type { Emitter } from "../emitter.js";

/** A graph of more nodes than this takes the runtime minutes to load. */
export const NODE_BUDGET = 20_000;

/** One node to be replaced, and the emitter that its replacement is written with. All shapes are known. */
export interface LoweringSite {
  readonly node: Node;
  readonly emit: Emitter;
  /** Name of an input; "" where it is not given. */
  input(index: number): string;
  /** Whether anything reads an output. */
  wants(index: number): boolean;
  /** Dimensions of an output, as observed. */
  dims(index: number): readonly number[];
}

export interface Lowering extends Method {
  /** Operators that it serves, as "OpType" (default domain) or "domain:OpType". */
  readonly operators: readonly string[];
  /**
   * Writes the nodes and gives the values of the outputs by index; undefined for those that nothing reads. Throws
   * `unsupported("lowering-...")` with the node for a form that it does not know. Undefined: the node stays as it is.
   */
  lower(site: LoweringSite): readonly (string | undefined)[] | undefined;
}

export const defineLowering = (lowering: Lowering): Lowering => Object.freeze(lowering);
