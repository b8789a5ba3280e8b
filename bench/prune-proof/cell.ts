// One figure of the proof: what is run once, and kept.

import type { CombinedRow } from "./combined.js";
import type { PeerRow } from "./peer.js";
import type { SpeedRow } from "./speed.js";
import type { StructuredRow } from "./structured.js";
import type { UnstructuredRow } from "./unstructured.js";

export interface Conditions {
  readonly threads: number;
  /** A few updates in place of epochs: shows that it runs, its figures say nothing. */
  readonly trial: boolean;
  /** For files. */
  readonly work: string;
}

export type ProofRow = UnstructuredRow | StructuredRow | PeerRow | CombinedRow | SpeedRow;

export interface Cell {
  /** What people ask for on the command line. */
  readonly case: string;
  /** Of its file. */
  readonly name: string;
  run(conditions: Conditions): Promise<ProofRow>;
}
