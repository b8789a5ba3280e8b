// Samples to one batch: joined along axis 0, their shapes checked.

import { internal, invalid } from "../base/errors.js";
import type { Sample } from "../data/dataset.js";
import { elementCount } from "../tensor/dtype.js";
import type { Feeds, Numbers, Value } from "../tensor/value.js";

/**
 * The inputs of all samples joined along their first axis; a scalar input is the same for all and given once. Throws
 * `invalid("data-shape")` for samples that differ in shape, with both named, `invalid("feed-missing")` for inputs that only
 * some have, and `invalid("data-scalar")` for scalars that differ.
 */
export function joinFeeds(samples: readonly Sample[]): Feeds {
  const first = samples[0];
  if (first === undefined) throw internal("a batch of no samples");
  return Object.fromEntries(Object.keys(first.feeds).map((name) => [name, joined(name, samples)]));
}

/** Rows of the batch that one sample takes: 1, but for models whose file fixes a larger batch. */
export function rowsOf(sample: Sample): number {
  const value = Object.values(sample.feeds).find(({ dims }) => dims.length > 0);
  return value?.dims[0] ?? 1;
}

function joined(name: string, samples: readonly Sample[]): Value {
  const first = samples[0]!;
  const values = samples.map((sample) => {
    const value = sample.feeds[name];
    if (value !== undefined) return value;
    throw invalid("feed-missing", `A sample has no value for the input "${name}", though others have.`, {
      node: sample.id,
    });
  });
  const { dtype, dims } = values[0]!;
  const fits = (value: Value) => value.dtype === dtype && String(value.dims) === String(dims);
  const odd = values.findIndex((value) => !fits(value));
  if (odd >= 0) {
    throw invalid("data-shape", `Samples differ in the shape of the input "${name}", so they do not make a batch.`, {
      node: samples[odd]!.id,
      expected: `${dtype} [${dims}], as ${first.id}`,
      found: `${values[odd]!.dtype} [${values[odd]!.dims}]`,
      hint: 'Give all one shape: "length" and "pad": true in dataset.json.',
    });
  }
  if (dims.length === 0) {
    const other = values.findIndex(({ data }) => data[0] !== values[0]!.data[0]);
    if (other < 0) return values[0]!;
    throw invalid("data-scalar", `Samples of one batch differ in the scalar input "${name}".`, {
      node: samples[other]!.id,
      expected: `${values[0]!.data[0]}, as ${first.id}`,
      found: String(values[other]!.data[0]),
    });
  }
  return { dtype, dims: [dims[0]! * values.length, ...dims.slice(1)], data: concatenated(values) };
}

function concatenated(values: readonly Value[]): Value["data"] {
  const [first] = values;
  if (first?.dtype === "string") return values.flatMap(({ data }) => [...(data as readonly string[])]);
  const array = first!.data.constructor as new (length: number) => Float32Array;
  const each = first!.data.length;
  const whole = new array(each * values.length);
  values.forEach(({ data }, index) => {
    whole.set(data as Float32Array, index * each);
  });
  return whole as Numbers;
}

/** Rows [from, to) of a value along its first axis, in an array of their own. */
export function rows(value: Value, from: number, to: number): Value {
  const each = elementCount(value.dims.slice(1));
  return {
    ...value,
    dims: [to - from, ...value.dims.slice(1)],
    data: value.data.slice(from * each, to * each) as never,
  };
}
