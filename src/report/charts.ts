// The charts of the HTML report: Observable Plot, rendered to static SVG in linkedom's document. Loaded only when asked
// for. Colours are the page's CSS variables, so a chart follows the reader's light or dark scheme.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Report } from "../metrics/report.js";
import { bytes, milliseconds, percent, plain } from "./format.js";
import { modelName } from "./headline.js";
import { shownLayers } from "./layers.js";

/** The reference is grey, the others have a colour each, again from the first after the sixth. */
export const colour = (index: number): string => (index === 0 ? "var(--m0)" : `var(--m${((index - 1) % 6) + 1})`);

const NAME_LIMIT = 32;
const WIDTH = 900;
/** Two charts stand side by side: a narrow one is not shrunk, so its letters stay as large. */
const HALF = 440;
/** Pixels of one character of a label: what the longest needs, as nothing measures text here. */
const CHARACTER = 7;

interface Bar {
  readonly row: string;
  readonly value: number;
  readonly text: string;
  readonly fill: string;
  readonly low?: number;
  readonly high?: number;
}

export function sizeChart(report: Report): string {
  const kinds = [
    ["on disk", (index: number) => report.models[index]?.bytes],
    ["gzip", (index: number) => report.models[index]?.transfer.gzip],
    ["brotli", (index: number) => report.models[index]?.transfer.brotli],
  ] as const;
  const bars = names(report).flatMap((name, index) =>
    kinds.flatMap(([kind, value]) => {
      const size = value(index);
      return typeof size === "number" ? [{ kind, row: name, value: size, text: bytes(size), fill: colour(index) }] : [];
    }),
  );
  return groupedBars(
    bars,
    names(report),
    kinds.map(([kind]) => kind),
    "Bytes by model, on disk and as sent",
  );
}

export function latencyChart(report: Report): string {
  const bars: Bar[] = names(report).flatMap((row, index) => {
    const time = report.models[index]?.latencyMs;
    if (!time) return [];
    return [
      { row, value: time.median, text: milliseconds(time.median), fill: colour(index), low: time.q1, high: time.q3 },
    ];
  });
  if (bars.length === 0) return "";
  const high = Math.max(...bars.map((bar) => bar.high ?? bar.value));
  return svg("Latency by model, median with quartiles", {
    width: HALF,
    height: 30 + bars.length * 34,
    marginLeft: labelWidth(bars.map((bar) => bar.row)),
    marginRight: 74,
    marginTop: 4,
    marginBottom: 22,
    x: { domain: [0, high], axis: null },
    y: { domain: names(report), label: null, tickSize: 0, padding: 0.35 },
    marks: [
      Plot.barX(bars, { y: "row", x: "value", fill: "fill", rx: 3 }),
      Plot.ruleY(bars, { y: "row", x1: "low", x2: "high", stroke: "var(--ink)", strokeWidth: 1.5 }),
      Plot.tickX(bars, { y: "row", x: "low", stroke: "var(--ink)", inset: 6 }),
      Plot.tickX(bars, { y: "row", x: "high", stroke: "var(--ink)", inset: 6 }),
      Plot.text(bars, { y: "row", x: "high", text: "text", textAnchor: "start", dx: 8, fill: "var(--ink)" }),
    ],
  });
}

export function layerChart(report: Report): string {
  const layers = shownLayers(report);
  if (layers.length === 0) return "";
  const label = rowLabels(layers.map((layer) => layer.name));
  const rows = layers.map((_, index) => label[index]!);
  const bars = layers.flatMap((layer, at) =>
    layer.bytes.flatMap((value, index) =>
      value === null ? [] : [{ row: rows[at]!, model: String(index), value, text: bytes(value), fill: colour(index) }],
    ),
  );
  const models = report.models.map((_, index) => String(index));
  const high = Math.max(1, ...bars.map((bar) => bar.value));
  return svg("Bytes of weights by layer", {
    width: WIDTH,
    height: 12 + layers.length * (6 + models.length * 12),
    marginLeft: labelWidth(rows),
    marginRight: 74,
    marginTop: 4,
    marginBottom: 4,
    x: { domain: [0, high], axis: null },
    y: { domain: models, axis: null, padding: 0.12 },
    fy: { domain: rows, label: null, axis: "left", padding: 0.24, tickSize: 0 },
    marks: [
      Plot.barX(bars, { fy: "row", y: "model", x: "value", fill: "fill", rx: 2, insetLeft: 0 }),
      Plot.text(bars, {
        fy: "row",
        y: "model",
        x: "value",
        text: "text",
        textAnchor: "start",
        dx: 6,
        fontSize: 10,
        fill: "var(--soft)",
      }),
    ],
  });
}

export function outputChart(report: Report): string {
  const points = report.models.flatMap((row, index) =>
    (row.fidelity?.outputs ?? []).flatMap((output) =>
      output.sqnrDb === null
        ? []
        : [{ name: plain(output.name, NAME_LIMIT), value: output.sqnrDb, fill: colour(index) }],
    ),
  );
  if (points.length === 0) return "";
  const rows = [...new Set(points.map((point) => point.name))];
  const values = points.map((point) => point.value);
  return svg("Signal to quantization noise of each output, decibels", {
    width: WIDTH,
    height: 64 + rows.length * 26,
    marginLeft: labelWidth(rows),
    marginRight: 24,
    marginBottom: 38,
    x: {
      domain: [Math.min(0, ...values), Math.max(40, ...values) * 1.04],
      label: "SQNR, dB (more is closer)",
      grid: true,
      ticks: 6,
    },
    y: { domain: rows, label: null, tickSize: 0 },
    marks: [
      Plot.ruleX([20], { stroke: "var(--soft)", strokeDasharray: "3 3" }),
      Plot.ruleY(points, { y: "name", x1: 0, x2: "value", stroke: "fill", strokeOpacity: 0.35 }),
      Plot.dot(points, { y: "name", x: "value", fill: "fill", r: 5 }),
    ],
  });
}

/** Layers in the chart; all of them are in the table. */
const HARMFUL = 24;

/** What each layer loses: its weights and its activations apart, as parts of the whole error. */
export function explainedChart({ explained = [] }: Report): string {
  const shown = explained.slice(0, HARMFUL).filter(({ share }) => share > 0);
  if (shown.length === 0) return "";
  const rows = rowLabels(shown.map(({ layer }) => layer));
  const bars = shown.flatMap((layer, at) =>
    EXPLAINED_PARTS.flatMap(({ key, fill }) => {
      const part = layer[key];
      return part === null ? [] : [{ row: rows[at]!, value: part.share, fill }];
    }),
  );
  const labels = shown.map(({ share, withoutDb }, at) => ({
    row: rows[at]!,
    value: share,
    text: `${percent(share)}${withoutDb === null ? "" : `, ${withoutDb.toFixed(1)} dB without it`}`,
  }));
  return svg("Part of the error that each layer makes, weights and activations apart", {
    width: WIDTH,
    height: 12 + rows.length * 20,
    marginLeft: labelWidth(rows),
    marginRight: 174,
    marginTop: 4,
    marginBottom: 4,
    x: { domain: [0, Math.max(...shown.map(({ share }) => share))], axis: null },
    y: { domain: rows, label: null, tickSize: 0, padding: 0.2 },
    marks: [
      Plot.barX(bars, Plot.stackX({ y: "row", x: "value", fill: "fill", rx: 2 })),
      Plot.text(labels, {
        y: "row",
        x: "value",
        text: "text",
        textAnchor: "start",
        dx: 6,
        fontSize: 10,
        fill: "var(--soft)",
      }),
    ],
  });
}

/** The parts of a layer and the colour of each. */
export const EXPLAINED_PARTS = [
  { key: "weights", title: "weights", fill: "var(--m1)" },
  { key: "activations", title: "activations", fill: "var(--m2)" },
  { key: "together", title: "both together", fill: "var(--m3)" },
] as const;

function groupedBars(
  bars: readonly (Bar & { kind: string })[],
  rows: readonly string[],
  kinds: readonly string[],
  title: string,
): string {
  const shown = kinds.filter((kind) => bars.some((bar) => bar.kind === kind));
  const high = Math.max(1, ...bars.map((bar) => bar.value));
  return svg(title, {
    width: HALF,
    height: 8 + shown.length * (12 + rows.length * 20),
    marginLeft: 62,
    marginRight: 74,
    marginTop: 4,
    marginBottom: 4,
    x: { domain: [0, high], axis: null },
    y: { domain: [...rows], axis: null, padding: 0.16 },
    fy: { domain: shown, label: null, axis: "left", padding: 0.22, tickSize: 0 },
    marks: [
      Plot.barX(bars, { fy: "kind", y: "row", x: "value", fill: "fill", rx: 3 }),
      Plot.text(bars, {
        fy: "kind",
        y: "row",
        x: "value",
        text: "text",
        textAnchor: "start",
        dx: 8,
        fill: "var(--ink)",
      }),
    ],
  });
}

const names = (report: Report): string[] => rowLabels(report.models.map(modelName));

/** Shortened, and told apart where shortening made two alike: rows with one label would fall together. */
export function rowLabels(texts: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return texts.map((text) => {
    const short = plain(text, NAME_LIMIT);
    const times = (seen.get(short) ?? 0) + 1;
    seen.set(short, times);
    return times === 1 ? short : `${short} (${times})`;
  });
}

const labelWidth = (labels: readonly string[]): number =>
  14 + CHARACTER * Math.max(...labels.map((label) => [...label].length));

export function svg(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const chart = Plot.plot({
    ...options,
    document,
    style: { fontSize: "12px", background: "none" },
    ariaLabel: title,
    // Colours and names are given, not scaled: without this Plot would make categories of the colours.
    color: { type: "identity" },
  });
  return (chart as unknown as { readonly outerHTML: string }).outerHTML;
}
