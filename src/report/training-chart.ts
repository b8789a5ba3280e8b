// The chart of a training: losses over the updates, and the metric of the held-out part under them, on a scale of its own.

import * as Plot from "@observablehq/plot";
import type { Training } from "../metrics/report.js";
import { svg } from "./charts.js";
import { plain } from "./format.js";
import { LINES } from "./training-lines.js";

const WIDTH = 900;

/** "" when there are not two points to draw a line through. */
export function trainingChart(training: Training): string {
  const losses = LINES.slice(0, 2).map(({ key, fill }) => ({ fill, points: pointsOf(training, key) }));
  const metric = pointsOf(training, "metric");
  const drawn = [
    linesOf("Loss over the updates", "loss", losses, 240),
    linesOf(
      "Metric over the updates",
      plain(training.metric ?? "", 40),
      [{ fill: LINES[2].fill, points: metric }],
      160,
    ),
  ];
  return drawn.join("");
}

interface Point {
  readonly step: number;
  readonly value: number;
}

interface Line {
  readonly fill: string;
  readonly points: readonly Point[];
}

const pointsOf = ({ points }: Training, key: (typeof LINES)[number]["key"]): Point[] =>
  points.flatMap((point) => (point[key] === null ? [] : [{ step: point.step, value: point[key] }]));

function linesOf(title: string, label: string, lines: readonly Line[], height: number): string {
  const all = lines.flatMap(({ points }) => points);
  if (all.length < 2) return "";
  return svg(title, {
    width: WIDTH,
    height,
    marginLeft: 56,
    marginBottom: 34,
    x: { label: "update", ticks: 8 },
    y: { label, grid: true, ticks: 5, nice: true },
    marks: lines.flatMap(({ points, fill }) => [
      Plot.line(points, { x: "step", y: "value", stroke: fill, strokeWidth: 1.8 }),
      // Looks at the held-out part are few: dots show where they were.
      ...(points.length <= 60 ? [Plot.dot(points, { x: "step", y: "value", fill, r: 2.5 })] : []),
    ]),
  });
}
