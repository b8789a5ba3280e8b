// Labels of samples to one input: class indices, or numbers. What does not fit is refused with its place in the batch.

import { invalid } from "../../base/errors.js";
import type { Sample } from "../../data/dataset.js";
import { elementCount } from "../../tensor/dtype.js";
import { fromFloat16Bits } from "../../tensor/float16.js";
import type { Target } from "./loss.js";

type Label = Sample["label"];

/** int32 indices of `dims`, each in [0, classes), of any number without `classes`, or the index that does not count. */
export function classTarget(dims: readonly number[], classes: number | undefined, ignored?: number): Target {
  return {
    shape: { dtype: "int32", dims },
    collate(labels) {
      const bound = classes ?? 2 ** 31;
      const fits = (value: number) => value === ignored || (Number.isInteger(value) && value >= 0 && value < bound);
      const found = joined(labels, dims, "class indices");
      const range = classes === undefined ? "whole numbers from 0" : `whole numbers from 0 to ${classes - 1}`;
      refuse(found, fits, (at) => placeOf(at, found.length, labels.length), {
        expected: ignored === undefined ? range : `${range}, or ${ignored} for what does not count`,
        hint:
          classes === undefined
            ? undefined
            : `The model's output has ${classes} classes: number the labels from 0, in its order.`,
      });
      return { dtype: "int32", dims, data: Int32Array.from(found) };
    },
  };
}

/** float32 numbers of `dims`, finite and within bounds where there are some. */
export function numberTarget(dims: readonly number[], low?: number, high?: number): Target {
  return {
    shape: { dtype: "float32", dims },
    collate(labels) {
      const found = joined(labels, dims, "numbers");
      const fits = (value: number) => Number.isFinite(value) && value >= (low ?? value) && value <= (high ?? value);
      const bounds = [
        low === undefined ? [] : [`at least ${low}`],
        high === undefined ? [] : [`at most ${high}`],
      ].flat();
      refuse(found, fits, (at) => placeOf(at, found.length, labels.length), {
        expected: ["finite numbers", ...bounds].join(", "),
      });
      return { dtype: "float32", dims, data: Float32Array.from(found) };
    },
  };
}

/** float32 probabilities of `dims`: not negative, with a sum of 1 along `axis`. */
export function probabilityTarget(dims: readonly number[], axis: number): Target {
  const plain = numberTarget(dims, 0);
  const step = elementCount(dims.slice(axis + 1));
  const size = dims[axis]!;
  return {
    shape: plain.shape,
    collate(labels) {
      const value = plain.collate(labels);
      const data = value.data as Float32Array;
      for (let start = 0; start < data.length; start++) {
        if (Math.floor(start / step) % size !== 0) continue;
        let sum = 0;
        for (let i = 0; i < size; i++) sum += data[start + i * step]!;
        if (Math.abs(sum - 1) <= 1e-3) continue;
        throw invalid("label-range", "The probabilities of a label do not add up to 1.", {
          node: placeOf(start, data.length, labels.length),
          expected: "a sum of 1 over the classes",
          found: String(Number(sum.toPrecision(6))),
        });
      }
      return value;
    },
  };
}

/** int32 [batch, length]: up to `length` class indices a sample, filled up with the ignored one. For CTC. */
export function sequenceTarget(
  batch: number,
  length: number,
  of: { readonly classes: number; readonly blank: number; readonly ignored: number; readonly positions: number },
): Target {
  const fits = (value: number) => Number.isInteger(value) && value >= 0 && value < of.classes && value !== of.blank;
  return {
    shape: { dtype: "int32", dims: [batch, length] },
    collate(labels) {
      const data = new Int32Array(batch * length).fill(of.ignored);
      const samples = labels.map((label, place) => {
        const found = numbersOf(label ?? []);
        if (label !== undefined && found !== undefined) return found.filter((value) => value !== of.ignored);
        throw malformed(label, place, "class indices", "a list of class indices");
      });
      if (samples.length !== batch)
        throw malformed(labels[0], 0, "class indices", `the labels of one of ${batch} rows`);
      for (const [place, found] of samples.entries()) {
        refuse(found, fits, () => `sample ${place} of the batch`, {
          expected: `whole numbers from 0 to ${of.classes - 1} other than the blank, ${of.blank}`,
        });
        // Equal neighbours need a blank between them.
        const needed = found.length + found.filter((value, i) => i > 0 && value === found[i - 1]).length;
        if (found.length > length || needed > of.positions) {
          throw invalid("label-form", "A sample has more labels than can be spelled.", {
            node: `sample ${place} of the batch`,
            expected: `at most ${length} labels (option length), in ${of.positions} positions`,
            found: `${found.length} labels, which take ${needed} positions`,
          });
        }
        data.set(found, place * length);
      }
      return { dtype: "int32", dims: [batch, length], data };
    },
  };
}

function refuse(
  values: readonly number[],
  fits: (value: number) => boolean,
  place: (element: number) => string,
  rest: { readonly expected: string; readonly hint?: string | undefined },
): void {
  const wrong = values.findIndex((value) => !fits(value));
  if (wrong < 0) return;
  throw invalid("label-range", "A label is out of range.", {
    ...rest,
    node: place(wrong),
    found: String(values[wrong]),
  });
}

const placeOf = (element: number, elements: number, samples: number) =>
  `sample ${Math.floor((element * samples) / elements)} of the batch`;

/** All numbers of the labels in order; their count must be that of `dims`, shared out evenly. */
function joined(labels: readonly Label[], dims: readonly number[], what: string): number[] {
  const wanted = elementCount(dims);
  const share = wanted / labels.length;
  return labels.flatMap((label, place) => {
    const found = label === undefined ? undefined : numbersOf(label);
    if (found?.length === share) return found;
    const form = share === 1 ? `one of ${what}` : `${share} ${what} a sample ([${dims}] a batch)`;
    throw malformed(label, place, what, form);
  });
}

function malformed(label: Label, place: number, what: string, form: string) {
  const node = `sample ${place} of the batch`;
  if (label === undefined) {
    return invalid("label-missing", "A sample has no label to learn from.", {
      node,
      expected: what,
      hint: 'Say where the labels are in dataset.json ("labels").',
    });
  }
  const found = numbersOf(label);
  return invalid("label-form", "A label does not have the form that the loss takes.", {
    node,
    expected: form,
    found: found === undefined ? "text" : found.length === 1 ? "one number" : `${found.length} numbers`,
    hint: "Choose the loss that fits the labels, or the output that they are for.",
  });
}

function numbersOf(label: NonNullable<Label>): number[] | undefined {
  if (typeof label === "number") return [label];
  if (!("dtype" in label)) return [...label];
  const { dtype, data } = label;
  if (dtype === "string" || dtype === "bfloat16") return undefined;
  if (dtype === "float16") return Array.from(data as Uint16Array, fromFloat16Bits);
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
