// A part of the loss that another method adds: on outputs or inner values, against labels of its own or a teacher's values.

import type { LossTerms } from "./losses/loss.js";
import type { WriteSite } from "./rewrite.js";

export interface TermSite extends WriteSite {
  /** What the graph calls a value of the prepared model, where nodes read it. */
  value(name: string): string;
  /** Weights of the samples, float32 [batch]: 0 for those that only fill a batch up. */
  readonly sampleWeights: string;
}

export interface TermLoss extends LossTerms {
  /** A factor that goes with the training, a scalar; not differentiated. */
  readonly factor?: string | undefined;
  gradient?: never;
}

export interface Term {
  /** Unique among the terms and losses of a training; figures call it `loss.<name>`. */
  readonly name: string;
  /** Factor in the sum of losses. */
  readonly weight: number;
  /** Values of the prepared model that it reads and that are differentiated. */
  readonly reads: readonly string[];
  /** Nodes that it writes are differentiated down to what it reads, and to weights of the method's own. */
  write(site: TermSite): TermLoss;
}
