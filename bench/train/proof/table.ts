// The proofs as Markdown, and whether each bar is met.

import type { Task } from "./tasks.js";

export interface ProofRow {
  readonly task: string;
  readonly seed: number;
  /** Accuracies on the part that is reported, 0 to 1: before training, and of a damaged model before the damage. */
  readonly initial: number;
  readonly whole?: number;
  readonly ours: { readonly accuracy: number; readonly seconds: number; readonly best: number };
  readonly torch: { readonly accuracy: number; readonly seconds: number };
}

/** Points that the mean over the seeds may be away from PyTorch's. */
const WITHIN = { fresh: 0.3, damaged: 0.5 };
const RECOVERED = 0.8;

export function proofTable(rows: readonly ProofRow[], tasks: readonly Pick<Task, "name" | "title">[]): string {
  const lines = [
    "| task | seeds | before | damaged or fresh | pare | PyTorch | difference of the means | came back |",
    "|---|---|---|---|---|---|---|---|",
  ];
  const bars: string[] = [];
  for (const { name, title } of tasks) {
    const own = rows.filter(({ task }) => task === name);
    if (own.length === 0) continue;
    const means = (of: (row: ProofRow) => number) => own.reduce((sum, row) => sum + of(row), 0) / own.length;
    const list = (of: (row: ProofRow) => number) => own.map((row) => percent(of(row))).join(", ");
    const [ours, theirs] = [means((row) => row.ours.accuracy), means((row) => row.torch.accuracy)];
    const apart = 100 * (ours - theirs);
    const whole = own[0]!.whole;
    const back =
      whole === undefined ? undefined : (ours - means((row) => row.initial)) / (whole - means((row) => row.initial));
    lines.push(
      `| ${[
        title,
        own.map(({ seed }) => seed).join(", "),
        whole === undefined ? "" : percent(whole),
        list((row) => row.initial),
        list((row) => row.ours.accuracy),
        list((row) => row.torch.accuracy),
        `${apart >= 0 ? "+" : ""}${apart.toFixed(2)} points`,
        back === undefined ? "" : `${(100 * back).toFixed(0)}%`,
      ].join(" | ")} |`,
    );
    const within = whole === undefined ? WITHIN.fresh : WITHIN.damaged;
    bar(`${title}: ${Math.abs(apart).toFixed(2)} points from PyTorch, at most ${within}`, Math.abs(apart) <= within);
    if (back !== undefined) {
      bar(`${title}: ${(100 * back).toFixed(0)}% of the lost points came back, at least 80%`, back >= RECOVERED);
    }
  }
  return [...lines, "", ...bars, ""].join("\n");

  function bar(text: string, met: boolean): void {
    bars.push(`- ${met ? "met" : "**not met**"}: ${text}`);
  }
}

const percent = (share: number) => (100 * share).toFixed(2);
