// Inner values of the forward pass that nodes read in another form: fake quantization of activations. Training knows no method
// of it.

import type { Node } from "../ir/model.js";
import type { Emitter } from "./emitter.js";

/** Where a method writes what it adds to the forward pass. */
export interface WriteSite {
  readonly emit: Emitter;
  /** The value of a weight that is trained, the model's or a method's own, by prepared name; undefined for all others. */
  weight(name: string): string | undefined;
  /** A float32 scalar that is fed at every step: from 0 before the first update to 1 at the last. 1 where nothing is trained. */
  progress(): string;
  /** False: the forward pass as it is when the model is used, for held-out data. */
  readonly training: boolean;
}

export interface Rewrite {
  /** Kebab-case, for messages. */
  readonly name: string;
  /** Values of the prepared model, graph inputs included. Rewrites are applied in order, each on what the one before gave. */
  readonly values: ReadonlySet<string>;
  /** Nodes that read the new form at an input; default: all. Losses and outputs read what all nodes read. */
  reads?(node: Node, input: number): boolean;
  /** Gives what is read instead of `value`, of the same shape and float32; differentiated. `of`: the prepared model's name. */
  write(site: WriteSite, value: string, of: string): string;
}
