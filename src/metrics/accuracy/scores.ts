// Outputs as rows of scores, labels as numbers, one of each per scored item.

import { invalid } from "../../base/errors.js";
import type { Sample } from "../../data/dataset.js";
import { fromFloat16 } from "../../tensor/float16.js";
import type { Value } from "../../tensor/value.js";
import type { Outputs } from "./metric.js";

export interface Scores {
  readonly rows: number;
  /** Scores in each row: the last dimension. */
  readonly width: number;
  readonly data: ArrayLike<number>;
}

/** The output to score when none is asked for: `logits`, else the first of floating point. */
export function scoredOutput(types: Readonly<Record<string, { readonly dtype: string }>>): string | undefined {
  const floats = Object.keys(types).filter((key) => /^float/.test(types[key]!.dtype));
  return floats.includes("logits") ? "logits" : floats[0];
}

/** The output to score: the one asked for, else `scoredOutput`, as rows along its last dimension. */
export function scoresOf(outputs: Outputs, name?: string): Scores {
  const chosen = name ?? scoredOutput(outputs);
  const value = chosen === undefined ? undefined : outputs[chosen];
  if (!value) {
    throw invalid("metric-output", "The model has no output that can be scored.", {
      expected: name ?? "an output of floating point",
      found: Object.keys(outputs).join(", "),
    });
  }
  const data = numbersOf(value);
  const width = value.dims.length === 0 ? 1 : (value.dims.at(-1) ?? 1);
  return { rows: width === 0 ? 0 : data.length / width, width, data };
}

/** The labels of a sample as plain numbers, as many as `count`. */
export function labelsOf({ label, id }: Sample, count: number): ArrayLike<number> {
  const found =
    label === undefined ? [] : typeof label === "number" ? [label] : isValue(label) ? numbersOf(label) : label;
  if (found.length === count) return found;
  throw invalid("metric-label", `The labels of sample ${id} do not fit the model's output.`, {
    node: id,
    expected: `${count}`,
    found: label === undefined ? "no label" : `${found.length}`,
  });
}

/** A class index. Throws `invalid("metric-label")` when it is none of `classes`. */
export function classOf(label: number, classes: number, id: string): number {
  if (Number.isInteger(label) && label >= 0 && label < classes) return label;
  throw invalid("metric-label", `The label of sample ${id} is not one of the model's classes.`, {
    node: id,
    expected: `a whole number from 0 to ${classes - 1}`,
    found: String(label),
    hint: 'State the "classes" of the dataset in the order of the model\'s output, or another "metric".',
  });
}

/** The place of the highest score of a row, the first of equals. */
export function argmax({ data, width }: Scores, row: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (data[row * width + i]! > data[row * width + best]!) best = i;
  return best;
}

export const isValue = (label: Sample["label"]): label is Value =>
  typeof label === "object" && "dims" in label && "dtype" in label;

function numbersOf({ dtype, data }: Value): ArrayLike<number> {
  if (dtype === "float16") return fromFloat16(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float64Array.from(data, Number);
  return data as ArrayLike<number>;
}

export const mean = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return values.length === 0 ? Number.NaN : sum / values.length;
};
