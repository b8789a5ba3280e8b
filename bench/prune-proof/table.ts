// The rows as Markdown, and whether each bar is met.

import type { ProofRow } from "./cell.js";
import type { CombinedRow } from "./combined.js";
import type { PeerRow } from "./peer.js";
import { PUBLISHED } from "./published.js";
import { halfWidth, paired, type Share, shareOf } from "./right.js";
import type { SpeedRow } from "./speed.js";
import type { StructuredRow } from "./structured.js";
import type { UnstructuredRow } from "./unstructured.js";

export function proofText(rows: readonly ProofRow[]): string {
  const of = <Row extends ProofRow>(kind: Row["kind"]) => rows.filter((row): row is Row => row.kind === kind);
  const bars: Bar[] = [];
  const parts = [
    ...unstructuredPart(of<UnstructuredRow>("unstructured")),
    ...structuredPart(of<StructuredRow>("structured"), bars),
    ...peerPart(of<PeerRow>("peer"), bars),
    ...combinedPart(of<CombinedRow>("combined"), bars),
    ...speedPart(of<SpeedRow>("speed")),
  ];
  const said = bars.map(({ text, met }) => `- ${met ? "met" : "**not met**"}: ${text}`);
  return [...parts, ...(said.length > 0 ? ["## Bars", "", ...said, ""] : [])].join("\n");
}

interface Bar {
  readonly text: string;
  readonly met: boolean;
}

const percent = (share: number, digits = 2) => (100 * share).toFixed(digits);
const sure = (share: Share) => `${percent(share.share)} ± ${percent(halfWidth(share))} (${share.n})`;
const apart = (before: string, after: string) => {
  const { difference, half } = paired(before, after);
  return `${difference >= 0 ? "+" : ""}${percent(difference)} ± ${percent(half)}`;
};
const line = (cells: readonly (string | number)[]) => `| ${cells.join(" | ")} |`;
const head = (cells: readonly string[]) => [line(cells), line(cells.map(() => "---"))];
const kb = (bytes: number) => (bytes / 1000).toFixed(0);
const million = (count: number) => (count / 1e6).toFixed(2);
const mean = (numbers: readonly number[]) => numbers.reduce((sum, x) => sum + x, 0) / numbers.length;

function unstructuredPart(rows: readonly UnstructuredRow[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    "## Zeros anywhere, with fine-tuning",
    "",
    "Accuracy in percent on the part that is reported: mean over the seeds, each seed in brackets. Compression: weights over",
    "non-zero weights; speed-up: multiply-accumulates over those with non-zero weights, in theory (no runtime gains from it).",
    "",
    ...head([
      "model",
      "zeros",
      "scores",
      "float",
      "pruned",
      "by seed",
      "compression",
      "speed-up",
      "kB dense",
      "kB gzip",
      "kB sparse",
    ]),
  ];
  const keys = [...new Set(rows.map(({ model, ratio, variant }) => JSON.stringify([model, ratio, variant])))];
  for (const key of keys) {
    const own = rows.filter(({ model, ratio, variant }) => JSON.stringify([model, ratio, variant]) === key);
    const [first] = own as [UnstructuredRow];
    const shares = own.map(({ after }) => shareOf(after).share);
    lines.push(
      line([
        first.model,
        `${percent(first.ratio, 0)}%`,
        first.variant,
        sure(shareOf(first.before)),
        percent(mean(shares)),
        shares.map((share) => percent(share)).join(", "),
        `${first.compression.toFixed(2)}x`,
        first.speedup === null ? "" : `${first.speedup.toFixed(2)}x`,
        kb(first.bytes.dense),
        kb(first.bytes.gzip),
        kb(first.bytes.stored),
      ]),
    );
  }
  return [
    ...lines,
    "",
    "Published, on other data and trainings (here 4,000 training images, test images with JPEG artefacts, few epochs):",
    "",
    ...head(["source", "model and data", "removed", "before", "after"]),
    ...PUBLISHED.map(({ source, what, removed, before, after }) => line([source, what, removed, before, after])),
    "",
  ];
}

function structuredPart(rows: readonly StructuredRow[], bars: Bar[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    "## Channels that are gone: half of the multiply-accumulates, and 58%",
    "",
    ...head([
      "model",
      "MACs (M)",
      "kB",
      "float",
      "cut",
      "fine-tuned",
      "difference",
      "batch",
      "ms",
      "times faster (quartiles)",
    ]),
  ];
  for (const { model, bar, macs, bytes, latency, before, cut, tuned } of rows) {
    const gone = `${model}, ${percent(1 - macs.after / macs.before, 0)}% of the MACs gone`;
    for (const [at, { batch, before: was, after, faster, low, high }] of latency.entries()) {
      const first = at === 0;
      lines.push(
        line([
          first ? model : "",
          first ? `${million(macs.before)} to ${million(macs.after)}` : "",
          first ? `${kb(bytes.before)} to ${kb(bytes.after)}` : "",
          first ? sure(shareOf(before)) : "",
          first ? percent(shareOf(cut).share) : "",
          first && tuned !== null ? percent(shareOf(tuned).share) : "",
          first ? apart(before, tuned ?? cut) : "",
          batch,
          `${was.toFixed(3)} to ${after.toFixed(3)}`,
          `${faster.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`,
        ]),
      );
      if (bar !== null) {
        bars.push({
          text: `${gone}, batch ${batch}: ${faster.toFixed(2)} times faster, at least ${bar}`,
          met: faster >= bar,
        });
      }
    }
    const left = bytes.after / bytes.before;
    if (bar !== null) bars.push({ text: `${gone}: ${percent(left, 0)}% of the file, at most 50%`, met: left <= 0.5 });
  }
  return [...lines, ""];
}

function peerPart(rows: readonly PeerRow[], bars: Bar[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    "## Beside Torch-Pruning",
    "",
    "The same weights, ratio of channels and score (L2 of the group's weights, mean over the group, divided by the group's mean);",
    "nothing is trained, and batch-norm statistics stay. Groups: how many whose channels may go, and channels in them.",
    "",
    ...head(["model", "scope", "ratio", "", "groups", "channels", "removed", "MACs left", "accuracy", "difference"]),
  ];
  for (const { model, scope, ratio, before, ours, theirs } of rows) {
    const channels = (groups: readonly number[]) => groups.reduce((sum, units) => sum + units, 0);
    const side = (name: string, { groups, removed, macs, after }: PeerRow["ours"]) => {
      const [share, change] = [percent(shareOf(after).share), apart(before, after)];
      const counts = [groups.length, channels(groups), removed, `${percent(macs, 1)}%`];
      return line([model, scope, ratio, name, ...counts, share, change]);
    };
    lines.push(side("pare", ours));
    if ("failed" in theirs) {
      lines.push(
        line([model, scope, ratio, `Torch-Pruning ${theirs.version}`, `fails: ${theirs.failed}`, "", "", "", "", ""]),
      );
      continue;
    }
    lines.push(side(`Torch-Pruning ${theirs.version}`, theirs));
    const { difference, half } = paired(theirs.after, ours.after);
    bars.push({
      text: `${model}, ${scope} ${ratio}: ${percent(difference)} ± ${percent(half)} points from Torch-Pruning before fine-tuning, not below`,
      met: difference >= -half,
    });
  }
  return [...lines, ""];
}

function combinedPart(rows: readonly CombinedRow[], bars: Bar[]): string[] {
  if (rows.length === 0) return [];
  const lines = [
    "## One recipe: channels, fine-tuning, eight bits",
    "",
    ...head(["model", "seed", "kB", "share", "MACs (M)", "float", "result", "difference", "minutes"]),
  ];
  for (const { model, seed, bytes, macs, before, after, bars: wanted, seconds } of rows) {
    const share = bytes.after / bytes.before;
    const work = macs.before !== null && macs.after !== null ? macs.after / macs.before : undefined;
    lines.push(
      line([
        model,
        seed,
        `${kb(bytes.before)} to ${kb(bytes.after)}`,
        `1/${(1 / share).toFixed(1)}`,
        work === undefined ? "" : `${million(macs.before!)} to ${million(macs.after!)}`,
        sure(shareOf(before)),
        percent(shareOf(after).share),
        apart(before, after),
        (seconds / 60).toFixed(1),
      ]),
    );
    const { difference } = paired(before, after);
    const name = `${model}, seed ${seed}`;
    bars.push({
      text: `${name}: ${percent(-difference)} points lost, at most ${wanted.points}`,
      met: -difference * 100 <= wanted.points,
    });
    bars.push({
      text: `${name}: 1/${(1 / share).toFixed(2)} of the bytes, at most 1/${(1 / wanted.bytes).toFixed(0)}`,
      met: share <= wanted.bytes,
    });
    if (wanted.macs !== null && work !== undefined) {
      bars.push({
        text: `${name}: ${percent(1 - work, 0)}% fewer multiply-accumulates, at least ${percent(1 - wanted.macs, 0)}%`,
        met: work <= wanted.macs,
      });
    }
  }
  return [...lines, ""];
}

function speedPart(rows: readonly SpeedRow[]): string[] {
  if (rows.length === 0) return [];
  const mb = (bytes: number | null) => (bytes === null ? "" : (bytes / 1e6).toFixed(0));
  return [
    "## Scores of weights on a large model",
    "",
    "From source, in a process of its own, with what it writes; beside load and save of the same file.",
    "",
    ...head(["what", "GB", "seconds", "peak MB", "load + save", "its peak MB"]),
    ...rows.map(({ what, bytes, seconds, peak, plain }) =>
      line([what, (bytes / 1e9).toFixed(2), seconds.toFixed(1), mb(peak), plain.seconds.toFixed(1), mb(plain.peak)]),
    ),
    "",
  ];
}
