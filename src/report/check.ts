// What a check found, as text for the terminal: the same finding at many nodes is told once, with examples.

import pc from "picocolors";
import type { CheckedNode, CheckFinding, CheckResult, CheckVerdict } from "../metrics/checked.js";
import { plain } from "./format.js";

const TITLES: Readonly<Record<CheckVerdict, string>> = {
  "will-not-run": "Will not run",
  unknown: "Not known",
  "falls-back": "Falls back",
  slow: "Slow",
  runs: "To know",
};

const WORST_FIRST = ["will-not-run", "unknown", "falls-back", "slow", "runs"] as const;
const EXAMPLES = 3;

/** `all`: every node by name, not a few examples. */
export function printCheck(found: CheckResult, options: { readonly all?: boolean } = {}): string {
  const { counts, nodes } = found;
  const parts = WORST_FIRST.filter((verdict) => verdict !== "runs" && counts[verdict] > 0).map(
    (verdict) => `${counts[verdict]} ${TITLES[verdict].toLowerCase()}`,
  );
  const head = `${pc.bold(plain(found.path))} on ${found.target}: ${
    found.runs ? pc.green("runs") : pc.red("will not run")
  }${parts.length === 0 ? `, all of its ${nodes.length} nodes` : ` (${parts.join(", ")}, of ${nodes.length} nodes)`}`;
  const groups = [...grouped(nodes), ...found.model.map((finding) => ({ finding, nodes: [] }))];
  const told = WORST_FIRST.flatMap((verdict) => {
    const own = groups.filter(({ finding }) => finding.verdict === verdict);
    if (own.length === 0) return [];
    return [[colour[verdict](TITLES[verdict]), ...own.map((group) => entry(group, options.all === true))].join("\n")];
  });
  return [head, ...told].join("\n\n");
}

interface Group {
  readonly finding: CheckFinding;
  readonly nodes: readonly CheckedNode[];
}

/** Nodes of one operator with the same finding, in order of first appearance. */
function grouped(nodes: readonly CheckedNode[]): readonly Group[] {
  const groups = new Map<string, { finding: CheckFinding; nodes: CheckedNode[] }>();
  for (const node of nodes) {
    for (const finding of node.findings) {
      const key = JSON.stringify([node.operator, finding]);
      const group = groups.get(key);
      if (group) group.nodes.push(node);
      else groups.set(key, { finding, nodes: [node] });
    }
  }
  return [...groups.values()];
}

function entry({ finding, nodes }: Group, all: boolean): string {
  const shown = nodes.slice(0, all ? nodes.length : EXAMPLES).map(named);
  const rest = nodes.length - shown.length;
  const first = nodes[0];
  const who =
    first === undefined
      ? "the model"
      : `${nodes.length} ${plain(first.operator, 60)}: ${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  const change = finding.change === null ? "" : `\n    ${pc.cyan("→")} ${plain(finding.change, 300)}`;
  return `  ${pc.bold(who)}\n    ${plain(finding.reason, 400)}${change}`;
}

const named = ({ node, where }: CheckedNode): string =>
  where === "" ? plain(node, 60) : `${plain(node, 60)} (in ${plain(where, 60)})`;

const colour: Readonly<Record<CheckVerdict, (text: string) => string>> = {
  "will-not-run": pc.red,
  unknown: pc.magenta,
  "falls-back": pc.yellow,
  slow: pc.yellow,
  runs: pc.dim,
};
