// What `pare check` found: for each node of a model whether and how well a target runs it, why, and what to change.

/** "runs"; "slow": a faster form is known; "falls-back": another provider runs it, with copies; "unknown"; "will-not-run". */
export type CheckVerdict = "runs" | "slow" | "falls-back" | "unknown" | "will-not-run";

export interface CheckFinding {
  /** Stable, kebab-case. */
  readonly code: string;
  readonly verdict: CheckVerdict;
  readonly reason: string;
  /** What to do about it, with a command where pare can do it. */
  readonly change: string | null;
}

export interface CheckedNode {
  /** The node's label. */
  readonly node: string;
  /** "MatMul", "com.microsoft:MatMulNBits". */
  readonly operator: string;
  /** "" in the main graph; else the way to it: "If_3/then_branch", "function local:Block". */
  readonly where: string;
  /** The worst over the runtimes that the target stands for. */
  readonly verdict: CheckVerdict;
  /** Provider by runtime; null where none runs it. */
  readonly providers: Readonly<Record<string, string | null>>;
  readonly findings: readonly CheckFinding[];
}

export interface CheckResult {
  readonly path: string;
  readonly target: string;
  /** No node, and nothing of the model as a whole, is known not to run. */
  readonly runs: boolean;
  readonly counts: Readonly<Record<CheckVerdict, number>>;
  /** What is true of the model as a whole: versions, size, element types at its boundary. */
  readonly model: readonly CheckFinding[];
  /** In the order of the file, nodes of bodies and functions included. */
  readonly nodes: readonly CheckedNode[];
  /** Where the knowledge of kernels comes from, by provider. */
  readonly sources: Readonly<Record<string, string>>;
}
