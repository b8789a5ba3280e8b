// What a report comes down to, in three figures: for the smallest model that is not the reference.

import type { ModelReport, Report } from "../metrics/report.js";
import { baseName, bytes, cosine, milliseconds, percent, plain, signed } from "./format.js";

export interface Figure {
  readonly value: string;
  readonly label: string;
  readonly detail: string;
}

export interface Headline {
  readonly model: ModelReport;
  readonly figures: readonly Figure[];
}

export function headline(report: Report): Headline | undefined {
  const [reference, ...others] = report.models;
  const model = others.reduce<ModelReport | undefined>(
    (best, row) => (best && best.bytes <= row.bytes ? best : row),
    undefined,
  );
  if (!reference || !model) return undefined;
  const figures = [sizeFigure(reference, model), speedFigure(reference, model), qualityFigure(reference, model)];
  return { model, figures: figures.filter((figure) => figure !== undefined) };
}

function sizeFigure(reference: ModelReport, model: ModelReport): Figure {
  const ratio = reference.bytes / model.bytes;
  return {
    value: ratio >= 1 ? `${ratio.toFixed(2)} ×` : `${(1 / ratio).toFixed(2)} ×`,
    label: ratio >= 1 ? "smaller" : "larger",
    detail: `${bytes(reference.bytes)} → ${bytes(model.bytes)}`,
  };
}

function speedFigure(reference: ModelReport, model: ModelReport): Figure | undefined {
  if (model.latencyRatio === null || !reference.latencyMs || !model.latencyMs) return undefined;
  const faster = model.latencyRatio <= 1;
  const spread = model.latencyRatioQuartiles;
  const same = spread !== undefined && spread.q1 <= 1 && spread.q3 >= 1;
  return {
    value: same ? "≈ 1 ×" : `${(faster ? 1 / model.latencyRatio : model.latencyRatio).toFixed(2)} ×`,
    label: same ? "the time: no faster, no slower" : faster ? "faster" : "slower",
    detail: `${milliseconds(reference.latencyMs.median)} → ${milliseconds(model.latencyMs.median)}`,
  };
}

function qualityFigure(reference: ModelReport, model: ModelReport): Figure | undefined {
  const { accuracy, fidelity } = model;
  if (accuracy && reference.accuracy) {
    const { difference } = accuracy;
    return {
      value: signed(accuracy.value - reference.accuracy.value, 4),
      label: plain(accuracy.metric, 60),
      detail: `${reference.accuracy.value.toFixed(4)} → ${accuracy.value.toFixed(4)}, n ${accuracy.samples}${
        difference ? `, 95 %: ${signed(difference.low, 4)} … ${signed(difference.high, 4)}` : ""
      }`,
    };
  }
  if (!fidelity) return undefined;
  if (fidelity.agreement !== null && fidelity.agreement !== undefined) {
    const samples = fidelity.samples === undefined ? "" : `n ${fidelity.samples}, `;
    return { value: percent(fidelity.agreement), label: "same top class", detail: samples + errorText(fidelity) };
  }
  if (fidelity.cosine === null) return undefined;
  return { value: cosine(fidelity.cosine), label: "cosine, worst output", detail: errorText(fidelity) };
}

const errorText = ({ cosine: similarity, sqnrDb, maxAbs }: NonNullable<ModelReport["fidelity"]>): string =>
  maxAbs === 0
    ? "outputs equal bit for bit"
    : [similarity === null ? "" : `cosine ${cosine(similarity)}`, sqnrDb === null ? "" : `SQNR ${sqnrDb.toFixed(1)} dB`]
        .filter((text) => text !== "")
        .join(", ");

/** What charts and headings call a model. */
export const modelName = (row: ModelReport): string => row.label ?? baseName(row.path);
