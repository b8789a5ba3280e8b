// The rows of the comparison, in the order in which people ask: how small, how fast, how much memory, how good. One list
// for the terminal, Markdown and HTML; a row that no model has is left out.

import type { ModelReport, Report } from "../metrics/report.js";
import { bytes, change, cosine, count, milliseconds, percent, plain, signed, significant } from "./format.js";

export interface Fact {
  readonly group: "Size" | "Work" | "Speed" | "Memory" | "Fidelity" | "Accuracy";
  readonly title: string;
  readonly better: "lower" | "higher";
  readonly value: (row: ModelReport) => number | null | undefined;
  readonly text: (value: number, row: ModelReport) => string;
  /** In small print below: a spread, a number of samples. */
  readonly detail?: (row: ModelReport) => string | undefined;
  /** Whether the change against the reference says something. */
  readonly compared?: boolean;
}

export interface Cell {
  readonly text: string;
  readonly detail?: string;
  /** Against the reference, as "−74 %". */
  readonly change?: string;
  readonly tone?: "good" | "bad";
}

export interface FactRow {
  readonly group: Fact["group"];
  readonly title: string;
  readonly cells: readonly (Cell | undefined)[];
}

const FACTS: readonly Fact[] = [
  { group: "Size", title: "File", better: "lower", compared: true, value: (row) => row.bytes, text: bytes },
  {
    group: "Size",
    title: "Sent with gzip",
    better: "lower",
    compared: true,
    value: (row) => row.transfer.gzip,
    text: (value, row) => `${row.transfer.estimated ? "≈ " : ""}${bytes(value)}`,
  },
  {
    group: "Size",
    title: "Sent with brotli",
    better: "lower",
    compared: true,
    value: (row) => row.transfer.brotli,
    text: (value, row) => `${row.transfer.estimated ? "≈ " : ""}${bytes(value)}`,
  },
  { group: "Work", title: "Parameters", better: "lower", compared: true, value: (row) => row.parameters, text: count },
  {
    group: "Work",
    title: "Zeros among them",
    better: "higher",
    value: ({ parameters, nonZero }) => (parameters && nonZero !== null ? 1 - nonZero / parameters : null),
    text: (value) => percent(value),
  },
  {
    group: "Work",
    title: "Multiply-accumulates",
    better: "lower",
    compared: true,
    value: (row) => row.macs,
    text: count,
  },
  { group: "Speed", title: "Load", better: "lower", compared: true, value: (row) => row.loadMs, text: milliseconds },
  {
    group: "Speed",
    title: "Latency, median",
    better: "lower",
    value: (row) => row.latencyMs?.median,
    text: milliseconds,
    detail: ({ latencyMs: spread }) =>
      spread === null ? undefined : `${significant(spread.q1, 3)} … ${significant(spread.q3, 3)}`,
  },
  {
    group: "Speed",
    title: "Time against the reference",
    better: "lower",
    value: (row) => (row.fidelity === null && row.latencyRatio === 1 ? null : row.latencyRatio),
    text: (value) => `${value.toFixed(2)} ×`,
    detail: ({ latencyRatioQuartiles: spread }) => spread && `${spread.q1.toFixed(2)} … ${spread.q3.toFixed(2)}`,
  },
  {
    group: "Memory",
    title: "Peak while loading",
    better: "lower",
    compared: true,
    value: (row) => row.memory?.peakLoadBytes,
    text: bytes,
  },
  {
    group: "Memory",
    title: "Peak in all",
    better: "lower",
    compared: true,
    value: (row) => row.memory?.peakBytes,
    text: bytes,
  },
  {
    group: "Fidelity",
    title: "Cosine, worst output",
    better: "higher",
    value: (row) => row.fidelity?.cosine,
    text: cosine,
  },
  {
    group: "Fidelity",
    title: "SQNR, worst output",
    better: "higher",
    value: ({ fidelity }) => (fidelity?.maxAbs === 0 ? Number.POSITIVE_INFINITY : fidelity?.sqnrDb),
    text: (value) => (Number.isFinite(value) ? `${value.toFixed(1)} dB` : "no error"),
  },
  {
    group: "Fidelity",
    title: "Largest error",
    better: "lower",
    value: (row) => row.fidelity?.maxAbs,
    text: (value) => significant(value, 3),
  },
  {
    group: "Fidelity",
    title: "Same top class",
    better: "higher",
    value: (row) => row.fidelity?.agreement,
    text: (value) => percent(value),
    detail: ({ fidelity }) => (fidelity?.samples === undefined ? undefined : `n ${fidelity.samples}`),
  },
  {
    group: "Accuracy",
    title: "Difference",
    better: "higher",
    value: (row) => row.accuracy?.difference?.value,
    text: (value) => signed(value, 4),
    detail: ({ accuracy }) =>
      accuracy?.difference && `95 %: ${signed(accuracy.difference.low, 4)} … ${signed(accuracy.difference.high, 4)}`,
  },
];

export function factRows(report: Report): readonly FactRow[] {
  const facts = [...FACTS];
  const metric = report.models.find((row) => row.accuracy)?.accuracy;
  if (metric) {
    const accuracyFact: Fact = {
      group: "Accuracy",
      title: plain(metric.metric, 60),
      better: metric.better ?? "higher",
      value: (row) => row.accuracy?.value,
      text: (value) => value.toFixed(4),
      detail: ({ accuracy }) => `n ${accuracy?.samples}`,
    };
    facts.splice(-1, 0, accuracyFact);
  }
  return facts.flatMap((fact) => {
    const cells = report.models.map((row) => cell(fact, row, report.models[0]!));
    return cells.some((each) => each !== undefined) ? [{ group: fact.group, title: fact.title, cells }] : [];
  });
}

function cell(fact: Fact, row: ModelReport, reference: ModelReport): Cell | undefined {
  const value = fact.value(row);
  if (value === null || value === undefined) return undefined;
  const detail = fact.detail?.(row);
  const text = { text: fact.text(value, row), ...(detail === undefined ? {} : { detail }) };
  const base = fact.compared && row !== reference ? fact.value(reference) : undefined;
  const against = typeof base === "number" ? change(value, base) : undefined;
  if (against === undefined || typeof base !== "number") return text;
  if (against === "=") return { ...text, change: against };
  const better = fact.better === "lower" ? value < base : value > base;
  // Less than two percent is within the noise of timings and memory.
  if (Math.abs(value / base - 1) < 0.02) return { ...text, change: against };
  return { ...text, change: against, tone: better ? "good" : "bad" };
}
