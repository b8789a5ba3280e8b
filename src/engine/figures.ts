// The figures of one output over all samples, summed in float64 as the samples pass.

import type { Value } from "../tensor/value.js";
import { asNumbers } from "./feeds.js";

export interface OutputFigures {
  readonly name: string;
  /**
   * Cosine similarity over all elements of all samples, -1 to 1; 1 when both are all zeros, 0 when only one is.
   * 0 when the result has a NaN or infinity that the reference has not.
   */
  readonly cosine: number;
  /** 10 log10(signal power / error power), dB; Infinity without error, -Infinity with new NaNs or infinities. */
  readonly sqnrDb: number;
  readonly maxAbs: number;
  /** The worst sample's cosine. */
  readonly worstCosine: number;
  /** Share of rows whose largest value stands at the same place, 0 to 1; undefined when the output has no classes. */
  readonly agreement?: number;
  /** Share of elements that are equal, 0 to 1: the figure for integers, booleans and text. */
  readonly equal: number;
  /** Elements compared. */
  readonly elements: number;
  /** Elements that are NaN or infinite in each, and where the result is not the same NaN or infinity. */
  readonly nonFinite: { readonly reference: number; readonly result: number; readonly mismatched: number };
}

export interface OutputTally {
  /** Both of the same dimensions. */
  add(reference: Value, result: Value): void;
  figures(): OutputFigures;
}

/** `classes`: whether the last axis holds scores of classes (`classOutputs`, or labels that say so). */
export function outputFigures(name: string, classes = false): OutputTally {
  let elements = 0;
  let equal = 0;
  let maxAbs = 0;
  let rows = 0;
  let agreeing = 0;
  let worstCosine = 1;
  const nonFinite = { reference: 0, result: 0, mismatched: 0 };
  const total = { dot: 0, reference: 0, result: 0, error: 0 };
  const addText = (reference: Value, result: Value) => {
    const a = reference.data as readonly string[];
    a.forEach((text, i) => {
      if (text === result.data[i]) equal++;
      else total.error++;
    });
    total.reference += a.length;
    total.result += a.length;
    total.dot += a.length - total.error;
    elements += a.length;
  };
  return {
    add(reference, result) {
      if (reference.dtype === "string" || result.dtype === "string") {
        addText(reference, result);
        return;
      }
      const a = asNumbers(reference);
      const b = asNumbers(result);
      const sample = { dot: 0, reference: 0, result: 0, error: 0 };
      const mismatchedBefore = nonFinite.mismatched;
      for (let i = 0; i < a.length; i++) {
        const x = a[i]!;
        const y = b[i]!;
        const same = Object.is(x, y) || x === y;
        if (same) equal++;
        const finite = Number.isFinite(x);
        if (!finite || !Number.isFinite(y)) {
          if (!finite) nonFinite.reference++;
          if (!Number.isFinite(y)) nonFinite.result++;
          if (!same) nonFinite.mismatched++;
          continue;
        }
        const error = x - y;
        sample.dot += x * y;
        sample.reference += x * x;
        sample.result += y * y;
        sample.error += error * error;
        const size = Math.abs(error);
        if (size > maxAbs) maxAbs = size;
      }
      elements += a.length;
      total.dot += sample.dot;
      total.reference += sample.reference;
      total.result += sample.result;
      total.error += sample.error;
      const cosine = nonFinite.mismatched > mismatchedBefore ? 0 : cosineOf(sample);
      if (cosine < worstCosine) worstCosine = cosine;
      const count = classes ? classCount(reference) : 0;
      for (let at = 0; count > 0 && at < a.length; at += count) {
        rows++;
        if (argmax(a, at, count) === argmax(b, at, count)) agreeing++;
      }
    },
    figures() {
      const broken = nonFinite.mismatched > 0;
      return {
        name,
        cosine: broken ? 0 : cosineOf(total),
        sqnrDb: broken ? Number.NEGATIVE_INFINITY : sqnr(total.reference, total.error),
        maxAbs: broken ? Number.POSITIVE_INFINITY : maxAbs,
        worstCosine,
        ...(rows > 0 ? { agreement: agreeing / rows } : {}),
        equal: elements === 0 ? 1 : equal / elements,
        elements,
        nonFinite: { ...nonFinite },
      };
    },
  };
}

function cosineOf({
  dot,
  reference,
  result,
  error,
}: {
  dot: number;
  reference: number;
  result: number;
  error: number;
}) {
  if (error === 0) return 1;
  const scale = Math.sqrt(reference) * Math.sqrt(result);
  return scale === 0 ? 0 : Math.min(1, Math.max(-1, dot / scale));
}

const sqnr = (signal: number, error: number) =>
  error === 0 ? Number.POSITIVE_INFINITY : signal === 0 ? Number.NEGATIVE_INFINITY : 10 * Math.log10(signal / error);

/** Length of the last axis of float scores, [batch, classes] or [batch, tokens, classes]; 0 for other forms. */
function classCount({ dtype, dims }: Value): number {
  const last = dims.at(-1) ?? 0;
  return last >= 2 && /^float/.test(dtype) && (dims.length === 2 || dims.length === 3) ? last : 0;
}

/** Index of the first largest value; NaN is never larger. */
function argmax(values: ArrayLike<number>, from: number, count: number): number {
  let best = from;
  for (let i = from + 1; i < from + count; i++) if (values[i]! > values[best]!) best = i;
  return best - from;
}
