// The charts of a study: what a model is worth against how small and how fast it became by theory. A line a score, a band from the
// worst to the best seed, a field for each scope and each way to train.

import * as Plot from "@observablehq/plot";
import type { StudyPoint, StudyReport } from "../../metrics/study-report.js";
import { svg } from "../charts.js";
import { plain } from "../format.js";

export type ChartAxis = "compression" | "speedUp";

const LABELS: Readonly<Record<ChartAxis, string>> = {
  compression: "compression (log)",
  speedUp: "theoretical speed-up (log)",
};
const WIDTH = 900;
const FIELD = 190;
/** Chance is grey, as the reference of other charts is. */
const CHANCE = "random";
const COLOURS = 6;

/** Colour and dash of every score of a study, by its place in it. */
export function scoreStyles(points: readonly StudyPoint[]): ReadonlyMap<string, { colour: string; dash: string }> {
  const names = [...new Set(points.map(({ method }) => method.score))];
  const others = names.filter((name) => name !== CHANCE);
  const style = (name: string) => {
    const place = others.indexOf(name);
    const dash = place < COLOURS ? "" : "5 3";
    return name === CHANCE
      ? { colour: "var(--m0)", dash: "3 3" }
      : { colour: `var(--m${(place % COLOURS) + 1})`, dash };
  };
  return new Map(names.map((name) => [name, style(name)]));
}

interface Dot {
  readonly x: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly score: string;
  readonly scope: string;
  readonly way: string;
}

/** One structure's points; "" where there is none. */
export function studyChart(report: StudyReport, structure: string, axis: ChartAxis): string {
  const points = report.points.filter(({ method }) => method.structure === structure);
  if (points.length === 0) return "";
  const dots = points.map(
    ({ method, accuracy, ...point }): Dot => ({
      x: point[axis].mean,
      mean: accuracy.mean,
      low: accuracy.low,
      high: accuracy.high,
      score: method.score,
      scope: method.scope,
      way: `${method.schedule}, ${method.weights}`,
    }),
  );
  const scopes = [...new Set(dots.map(({ scope }) => scope))];
  const ways = [...new Set(dots.map(({ way }) => way))];
  const beside = report.beside.map(({ name, record, outcome }) => ({
    x: outcome[axis],
    y: record.measured.value,
    name: plain(name.replace(/\.onnx$/, ""), 24),
  }));
  const xs = [1, ...dots.map(({ x }) => x), ...beside.map(({ x }) => x)].filter((x) => x > 0);
  const domain: [number, number] = [Math.min(...xs) / 1.05, Math.max(...xs) * 1.12];
  const fields = { fx: "scope", fy: "way" } as const;
  const series = [...scoreStyles(report.points)].flatMap(([score, { colour, dash }]) => {
    const own = dots.filter((dot) => dot.score === score).sort((a, b) => a.x - b.x);
    const key = (dot: Dot) => `${dot.scope} ${dot.way}`;
    return own.length === 0
      ? []
      : [
          Plot.areaY(own, { ...fields, x: "x", y1: "low", y2: "high", z: key, fill: colour, fillOpacity: 0.18 }),
          Plot.line(own, { ...fields, x: "x", y: "mean", z: key, stroke: colour, strokeDasharray: dash }),
          Plot.dot(own, { ...fields, x: "x", y: "mean", fill: colour, r: 2.6 }),
        ];
  });
  return svg(`${report.metric} against ${LABELS[axis]}, structure ${structure}`, {
    width: WIDTH,
    height: 52 + FIELD * ways.length,
    marginLeft: 54,
    marginBottom: 38,
    marginRight: ways.length > 1 ? 118 : 20,
    x: { type: "log", domain, label: LABELS[axis], ticks: ticksIn(domain), tickFormat: (x: number) => `${x}×` },
    y: { label: plain(report.metric, 30), grid: true, ticks: 5, nice: true },
    fx: { domain: scopes, label: null, padding: 0.08 },
    fy: { domain: ways, label: null, padding: 0.12, ...(ways.length === 1 && { axis: null }) },
    marks: [
      Plot.ruleY([report.original.measured.value], {
        stroke: "var(--ink)",
        strokeDasharray: "2 4",
        strokeOpacity: 0.7,
      }),
      ...series,
      Plot.dot(beside, { x: "x", y: "y", symbol: "diamond", fill: "var(--ink)", r: 4 }),
      Plot.text(beside, { x: "x", y: "y", text: "name", dy: -10, fill: "var(--ink)", fontSize: 10 }),
    ],
  });
}

/** 1, 2, 5 and their tens within the domain. */
function ticksIn([low, high]: readonly [number, number]): number[] {
  const all = Array.from({ length: 12 }, (_, at) => 10 ** (at - 3)).flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  return all.map((tick) => Number(tick.toPrecision(1))).filter((tick) => tick >= low && tick <= high);
}
