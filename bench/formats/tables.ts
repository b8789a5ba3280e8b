// The tables of formats against accuracy, in Markdown.

import { keptOf } from "./plot.js";
import type { FormatRow, ModelResult, PairRow, Score } from "./results.js";

/** Percentage points of top-1 and the like, perplexity in its own unit. */
const scaleOf = (metric: string) => (metric === "perplexity" || metric === "mean-error" ? 1 : 100);

const signed = (value: number, digits: number) => `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;

function difference(
  metric: string,
  found: { readonly value: number; readonly low: number; readonly high: number } | undefined,
): string {
  if (found === undefined) return "-";
  const [value, low, high] = [found.value, found.low, found.high].map((x) => x * scaleOf(metric));
  const digits = Math.abs(value!) >= 1000 ? 0 : scaleOf(metric) === 1 ? 3 : 2;
  return `${signed(value!, digits)} [${signed(low!, digits)}, ${signed(high!, digits)}]`;
}

/** JSON has no NaN: it is null there. */
const scored = (metric: string, value: number | null) =>
  value === null || Number.isNaN(value)
    ? "not a number"
    : scaleOf(metric) === 100
      ? `${(value * 100).toFixed(2)} %`
      : value >= 1e4
        ? value.toExponential(1)
        : value.toFixed(3);

/** One row a format: percent of float's score that each model keeps, with float's bits down to one. */
export function kneeTable(models: readonly ModelResult[]): string {
  const ladder = [...new Set(models.flatMap(({ rows }) => rows.filter((row) => row.ladder).map(({ label }) => label)))];
  const cell = (model: ModelResult, label: string) => {
    const row = model.rows.find((each) => each.label === label);
    const kept = row && keptOf(model, row);
    return kept === undefined ? "-" : kept.toFixed(1);
  };
  return [
    `| model | score | n | ${ladder.join(" | ")} |`,
    `|---|---|---|${ladder.map(() => "---").join("|")}|`,
    ...models.map(
      (model) =>
        `| ${model.model} | ${model.metric} ${scored(model.metric, model.value)} | ${model.samples} | ${ladder
          .map((label) => cell(model, label))
          .join(" | ")} |`,
    ),
  ].join("\n");
}

/** Everything that was measured of one model. */
export function modelTable(model: ModelResult): string {
  const { metric, samples, rows, bytes, brotli, value, data } = model;
  const head = `### ${model.model}\n\n${data}, n ${samples}; float32: ${metric} ${scored(metric, value)}, ${bytes} bytes, ${brotli} by brotli.`;
  return [
    head,
    "",
    "| weights | bits | bytes | brotli | score | difference (95%) | SQNR, dB | latency ratio |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map((row) => line(metric, row)),
  ].join("\n");
}

function line(metric: string, { label, bits, bytes, brotli, score, latency, refused }: FormatRow): string {
  if (score === undefined) return `| ${label} | - | - | - | ${refused} | - | - | - |`;
  return `| ${[
    label,
    bits?.toFixed(2) ?? "-",
    bytes,
    brotli ?? "-",
    scored(metric, score.value),
    difference(metric, score.difference),
    score.sqnrDb?.toFixed(1) ?? "exact",
    latency ? `${latency.ratio.toFixed(2)} [${latency.q1.toFixed(2)}, ${latency.q3.toFixed(2)}]` : "-",
  ].join(" | ")} |`;
}

/** Ours beside the peer's, model by model. */
export function pairsTable(models: readonly ModelResult[]): string {
  const side = (metric: string, score: Score) =>
    `${scored(metric, score.value)}, ${score.sqnrDb?.toFixed(1) ?? "exact"} dB`;
  const rows = models.flatMap((model) =>
    model.pairs.map(({ label, peer, ours, theirs, difference: found, failed }) => {
      const start = `| ${model.model} | ${label} | ${peer}`;
      if (!ours || !theirs) return `${start} | ${failed} | - | - | - | - |`;
      const cells = [side(model.metric, ours.score), side(model.metric, theirs.score), difference(model.metric, found)];
      return `${start} | ${[...cells, ours.bytes, theirs.bytes].join(" | ")} |`;
    }),
  );
  return [
    "| model | form | peer | pare: score, SQNR | peer: score, SQNR | pare minus peer (95%) | pare, bytes | peer, bytes |",
    "|---|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

interface Compared {
  readonly name: string;
  readonly row: PairRow;
  readonly worse: boolean;
  /** Decibels that pare is nearer to float than the peer. */
  readonly nearer: number | undefined;
}

/** Where the peer is surely more accurate on the labels, and where its outputs are nearer to float's. */
export function pairsVerdict(models: readonly ModelResult[]): string {
  const compared = models.flatMap(({ model, better, pairs }) =>
    pairs.flatMap((row): Compared[] => {
      if (!row.ours || !row.theirs) return [];
      const found = row.difference;
      const worse = found !== undefined && (better === "higher" ? found.high < 0 : found.low > 0);
      const [own, other] = [row.ours.score.sqnrDb, row.theirs.score.sqnrDb];
      const nearer = own === null || other === null ? undefined : own - other;
      return [{ name: `${model}, ${row.label}`, row, worse, nearer }];
    }),
  );
  const worse = compared.filter((each) => each.worse).map(({ name }) => name);
  const farther = compared.filter(({ nearer }) => nearer !== undefined && nearer < -0.5);
  const larger = compared.filter(({ row }) => row.ours!.bytes > 1.02 * row.theirs!.bytes);
  const list = (found: readonly string[]) => (found.length === 0 ? "none" : found.join("; "));
  return [
    `${compared.length} forms that both make.`,
    `- Surely less accurate than the peer (the whole interval below zero): ${list(worse)}.`,
    `- Farther from float32 than the peer by more than 0.5 dB: ${list(farther.map(({ name, nearer }) => `${name} (${nearer!.toFixed(1)} dB)`))}.`,
    `- Larger than the peer by more than 2 %: ${list(larger.map(({ name }) => name))}.`,
  ].join("\n");
}
