// The tables of static quantization, in Markdown, and what came of each bar.

import type { Difference, Figures, ModelFigures } from "./results.js";
import { DEFAULTS } from "./variants.js";

const signed = (value: number, digits: number) => `${value < 0 ? "" : "+"}${value.toFixed(digits)}`;
const digitsOf = (metric: string) => (metric === "perplexity" ? 3 : 2);
const megabytes = (bytes: number | undefined) => (bytes === undefined ? "-" : (bytes / 1e6).toFixed(0));

const score = ({ metric }: ModelFigures, row: Figures | undefined) =>
  row?.score === undefined ? "-" : `${row.score.toFixed(digitsOf(metric))}${metric === "top-1" ? " %" : ""}`;

function difference({ metric }: ModelFigures, found: Difference | undefined): string {
  if (!found) return "-";
  const digits = Math.abs(found.value) > 1000 ? 0 : digitsOf(metric);
  return `${signed(found.value, digits)} [${signed(found.low, digits)}, ${signed(found.high, digits)}]`;
}

const pare = (model: ModelFigures, label = DEFAULTS) =>
  model.rows.find((row) => row.by === "pare" && row.label === label);
const peer = (model: ModelFigures, label = model.best) =>
  model.rows.find((row) => row.by === "onnxruntime" && row.label === label);
const brief = (value: number | undefined) => value?.toPrecision(2) ?? "-";
/** The least divergence of all settings of the peer. */
const nearest = ({ rows }: ModelFigures): number | undefined =>
  rows
    .flatMap(({ by, divergence }) => (by === "onnxruntime" && divergence !== undefined ? [divergence] : []))
    .sort((a, b) => a - b)[0];
const latency = (row: Figures | undefined) => row?.latency?.ratio.toFixed(2) ?? "-";

/** One row a model: float32, pare as it is by default, and the peer's setting of the best score. */
export function summaryTable(models: readonly ModelFigures[]): string {
  return [
    "| model | n | float32 | pare, defaults | from float32 (95%) | onnxruntime, best | its setting | pare minus onnxruntime (95%) | divergence: pare, onnxruntime's least | latency ratio: pare, onnxruntime | seconds | peak MB |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...models.map((model) => {
      const [own, other] = [pare(model), peer(model)];
      return `| ${[
        model.model,
        model.samples,
        score(model, model.rows[0]),
        score(model, own),
        difference(model, own?.difference),
        score(model, other),
        model.best ?? "-",
        difference(model, model.against),
        `${brief(own?.divergence)}, ${brief(nearest(model))}`,
        `${latency(own)}, ${latency(other)}`,
        `${own?.seconds?.toFixed(1) ?? "-"}, ${other?.seconds?.toFixed(1) ?? "-"}`,
        `${megabytes(own?.peak)}, ${megabytes(other?.peak)}`,
      ].join(" | ")} |`;
    }),
  ].join("\n");
}

/** Everything that was measured of one model. */
export function modelTable(model: ModelFigures): string {
  return [
    `### ${model.model}`,
    "",
    `${model.metric}, n ${model.samples}; float32: ${score(model, model.rows[0])}, ${model.rows[0]?.bytes} bytes.`,
    "",
    "| by | setting | score | from float32 (95%) | divergence | bytes | latency ratio | seconds | peak MB |",
    "|---|---|---|---|---|---|---|---|---|",
    ...model.rows.slice(1).map((row) => {
      const { by, label, failed, remark, bytes, seconds, latency: time } = row;
      if (failed) return `| ${by} | ${label} | failed: ${failed.replaceAll("|", "/")} | | | | | | |`;
      return `| ${[
        by,
        remark ? `${label} (${remark})` : label,
        score(model, row),
        difference(model, row.difference),
        brief(row.divergence),
        bytes ?? "-",
        time ? `${time.ratio.toFixed(2)} [${time.low.toFixed(2)}, ${time.high.toFixed(2)}]` : "-",
        seconds?.toFixed(1) ?? "-",
        megabytes(row.peak),
      ].join(" | ")} |`;
    }),
  ].join("\n");
}

type Verdict = readonly [met: boolean, text: string];

/** What the project asks of itself, model by model. */
export function verdicts(models: readonly ModelFigures[]): string {
  const bars: readonly (readonly [string, (model: ModelFigures) => Verdict | undefined])[] = [
    ["At least as accurate as the peer's best setting, within one standard error", asAccurate],
    ["On depthwise models strictly more accurate than it", strictlyBetter],
    ["Nearer to float32 (less divergence) than every setting of the peer", nearer],
    ["On CNNs at most 1 point below float32", nearFloat],
    ["Not slower than the peer's best file (quartiles of the ratios overlap, or faster)", asFast],
    ["Made at least 3 times faster than the peer's best, or in at most a third of its memory", cheaply("best")],
    ["The same, each way of finding ranges beside the peer's own", cheaply("each")],
  ];
  return bars
    .map(([title, judge]) => {
      const found = models.flatMap((model) => {
        const verdict = judge(model);
        return verdict ? [{ model, verdict }] : [];
      });
      const missed = found.filter(({ verdict: [met] }) => !met);
      const list = (some: typeof found) => some.map(({ model, verdict }) => `${model.model}: ${verdict[1]}`).join("; ");
      const head = `- **${title}**: ${found.length - missed.length} of ${found.length} models.`;
      return missed.length === 0 ? head : `${head} Missed: ${list(missed)}.`;
    })
    .join("\n");
}

function asAccurate(model: ModelFigures): Verdict | undefined {
  const { against } = model;
  if (!against) return undefined;
  const digits = digitsOf(model.metric);
  return [
    against.value >= -against.error,
    `${signed(against.value, digits)}, standard error ${against.error.toFixed(digits)}`,
  ];
}

function strictlyBetter(model: ModelFigures): Verdict | undefined {
  if (!model.depthwise || !model.against) return undefined;
  return [model.against.value > 0, difference(model, model.against)];
}

function nearer(model: ModelFigures): Verdict | undefined {
  const [own, other] = [pare(model)?.divergence, nearest(model)];
  if (own === undefined || other === undefined) return undefined;
  return [own < other, `${brief(own)} against ${brief(other)}`];
}

function nearFloat(model: ModelFigures): Verdict | undefined {
  const found = pare(model)?.difference;
  if (!model.convolutional || !found) return undefined;
  return [found.value >= -1, difference(model, found)];
}

function asFast(model: ModelFigures): Verdict | undefined {
  const [own, other] = [pare(model)?.latency, peer(model)?.latency];
  if (!own || !other) return undefined;
  return [own.low <= other.high, `${own.ratio.toFixed(2)} against ${other.ratio.toFixed(2)} of float32`];
}

const cheaply =
  (which: "best" | "each") =>
  (model: ModelFigures): Verdict | undefined => {
    const pairs: readonly (readonly [string, string | undefined])[] =
      which === "best"
        ? [[DEFAULTS, model.best]]
        : [
            ["min-max", "S8S8 MinMax"],
            ["entropy", "S8S8 Entropy"],
            ["percentile", "S8S8 Percentile"],
          ];
    const found = pairs.flatMap(([mine, theirs]) => {
      const [own, other] = [pare(model, mine), peer(model, theirs)];
      if (!own?.processor || !other?.processor) return [];
      const [time, memory] = [other.processor / own.processor, own.peak! / other.peak!];
      const text = `${mine} ${time.toFixed(1)} times faster, ${memory.toFixed(2)} of the memory`;
      return [{ met: time >= 3 || memory <= 1 / 3, text }];
    });
    if (found.length === 0) return undefined;
    return [found.every(({ met }) => met), found.map(({ text }) => text).join(", ")];
  };
