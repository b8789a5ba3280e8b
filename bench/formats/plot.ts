// Formats against accuracy as a picture: one small chart a model, so that the knee of each curve is seen. Observable Plot,
// rendered to static SVG in linkedom's document.

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { FormatRow, ModelResult } from "./results.js";
import type { Family } from "./variants.js";

const COLUMNS = 3;
const WIDTH = 990;
const ROW = 230;
const colours: Readonly<Record<Family, string>> = {
  integers: "#2563eb",
  floats: "#d97706",
  tables: "#059669",
  mixed: "#9333ea",
};
/** Below this share of float's score a model is of no use, whatever the share is. */
const FLOOR = 40;

interface Point {
  readonly label: string;
  readonly family: Family;
  readonly ladder: boolean;
  readonly column: number;
  readonly row: number;
  readonly bits: number;
  /** Percent of float's score that is kept. */
  readonly kept: number;
}

export function formatsPlot(models: readonly ModelResult[]): string {
  const place = (index: number) => ({ column: index % COLUMNS, row: Math.floor(index / COLUMNS) });
  const points = models.flatMap((model, index) =>
    model.rows.flatMap((row): Point[] => {
      const kept = keptOf(model, row);
      if (kept === undefined || row.bits === undefined) return [];
      const at = { label: row.label, family: row.family, ladder: row.ladder === true, ...place(index) };
      return [{ ...at, bits: row.bits, kept: Math.max(kept, FLOOR) }];
    }),
  );
  const titles = models.map((model, index) => ({ ...place(index), text: `${model.model} (${model.metric})` }));
  const facet = { fx: "column", fy: "row" } as const;
  const line = points.filter(({ ladder }) => ladder).sort((a, b) => a.bits - b.bits);
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const chart = Plot.plot({
    document,
    width: WIDTH,
    height: Math.ceil(models.length / COLUMNS) * ROW + 60,
    marginLeft: 44,
    marginBottom: 40,
    style: { fontSize: "11px", background: "white", color: "#1f2937" },
    ariaLabel: "Percent of the float model's score that is kept, against bits for each parameter, by model",
    x: {
      domain: [1, 17],
      type: "log",
      ticks: [1, 2, 3, 4, 6, 8, 16],
      tickFormat: "d",
      label: "bits for each parameter",
      grid: true,
    },
    y: { domain: [FLOOR, 104], label: "% of float32's score", grid: true, ticks: 5 },
    fx: { axis: null, padding: 0.08 },
    fy: { axis: null, padding: 0.16 },
    color: { type: "identity" },
    marks: [
      Plot.frame({ stroke: "#d1d5db" }),
      Plot.ruleY([100], { stroke: "#9ca3af", strokeDasharray: "3 3" }),
      Plot.line(line, { ...facet, x: "bits", y: "kept", stroke: colours.integers, strokeWidth: 1.5 }),
      Plot.dot(points, {
        ...facet,
        x: "bits",
        y: "kept",
        r: (point: Point) => (point.ladder ? 3.5 : 2.5),
        fill: (point: Point) => colours[point.family],
        fillOpacity: 0.75,
      }),
      Plot.text(line, { ...facet, x: "bits", y: "kept", text: bitsOf, dy: 12, fontSize: 9, fill: "#6b7280" }),
      Plot.text(titles, {
        ...facet,
        text: "text",
        frameAnchor: "bottom-right",
        dx: -6,
        dy: -6,
        fontWeight: 600,
        fill: "#111827",
      }),
    ],
  });
  return `${(chart as unknown as { readonly outerHTML: string }).outerHTML.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"')}\n`;
}

/** int4: 4; ternary 1.6, binary 1: names would run into each other. */
const bitsOf = ({ label }: Point): string => ({ ternary: "1.6", binary: "1" })[label] ?? label.replace("int", "");

/** Percent; of perplexity, which grows as a model gets worse, the float model's over its own. */
export function keptOf({ value, better }: ModelResult, { score }: FormatRow): number | undefined {
  if (score?.value == null || !Number.isFinite(score.value)) return undefined;
  return 100 * (better === "higher" ? score.value / value : value / score.value);
}
