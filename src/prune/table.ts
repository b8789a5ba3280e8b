// What a prune step did, layer by layer.

interface Change {
  readonly before: number;
  readonly after: number;
}

export interface PruneRow {
  /** Of the weight, or of the group. */
  readonly name: string;
  /** Weight elements that are there; zeros that pruning wrote are not. */
  readonly elements: Change;
  /** Bytes of them, stored dense: zeros take as many as other numbers. */
  readonly bytes: Change;
  /** Multiply-accumulates of one run, without those by zeros that pruning wrote. Undefined where they were not counted. */
  readonly macs?: Change | undefined;
  /** Share of its elements (or units) that are gone, 0 to 1. */
  readonly ratio: number;
  /** Why nothing or no more of it went. */
  readonly reason?: string | undefined;
}
