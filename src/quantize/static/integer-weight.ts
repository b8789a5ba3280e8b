// A weight of integer products in the file: codes, scales and zero points as the node sees it, and int32 biases that fit them.
// Scales are found when the step runs (notes tell of them); codes are made again when they are pulled, one weight at a time.

import { floats, roundHalfEven } from "../../kernels/numbers.js";
import { derivedData, float32, type Tensor, tensor } from "../../tensor/tensor.js";
import { matrixOrder, viewDims } from "../../weights/views.js";
import { notFinite } from "../computation.js";
import type { SeenWeight } from "./graph-facts.js";
import type { WeightInput } from "./operators/index.js";
import { ordersOf } from "./saturation.js";
import { codesAt, type Fit, type FitOptions, fit } from "./weight-fit.js";

export interface IntegerWeight {
  readonly dims: readonly number[];
  /** int8 around 0, or uint8 around 128. */
  readonly codes: Tensor;
  readonly scales: Tensor;
  readonly zeroPoints: Tensor;
  /** Where scales stand; undefined: one for all. */
  readonly axis: number | undefined;
  readonly values: Float32Array;
  /** Channels whose scale an int32 bias asked for. */
  readonly raised: number;
  /** Channels with a larger scale, and codes drawn towards 0, so that no pair of products saturates. */
  readonly widened: number;
  readonly drawn: number;
}

export interface WeightForm extends Omit<FitOptions, "orders"> {
  readonly dtype: "int8" | "uint8";
  readonly perChannel: boolean;
  /** Whether pairs of products may saturate where it will run. */
  readonly saturates: boolean;
}

/** A bias beside the scale of the activation that its products have. */
export interface BiasOf {
  readonly bias: Float32Array;
  readonly activationScale: number;
}

/** Codes of a bias stay within, so that sums beside them do not pass int32. */
const BIAS_TOP = 2 ** 30;

/** Throws `invalid("weight-not-finite")`. */
export async function integerWeight(
  seen: SeenWeight,
  input: WeightInput,
  form: WeightForm,
  biases: readonly BiasOf[],
): Promise<IntegerWeight> {
  const { weight, consumer } = seen;
  const dims = viewDims(consumer.view);
  const turned = consumer.path.length > 0 && matrixOrder(consumer.view) === "columns";
  const vectors = vectorsOf(dims, input);
  const axis = form.perChannel ? input.axis : undefined;
  const shared = axis === undefined;
  const options: FitOptions = {
    ...form,
    orders: form.saturates && form.dtype === "int8" ? ordersOf(input.sum, dims.slice(1)) : [],
  };
  const read = async () => {
    const values = floats(await weight.tensor.data.read(), "float32");
    return turned ? transposed(values, dims) : values;
  };
  const values = await read();
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i]!)) throw notFinite(weight);
  const found: Fit[] = [];
  for (const part of partsOf(values, vectors, shared)) {
    const at = found.length;
    const least = Math.max(0, ...biases.map((one) => leastScale(one, shared ? undefined : at)));
    found.push(fit(part, least, options));
  }
  const scales = Float32Array.from(found, ({ scale }) => scale);
  const offset = form.dtype === "uint8" ? 128 : 0;
  const codes = derivedData(weight.elements, async function* () {
    const bytes = new Uint8Array(weight.elements);
    let at = 0;
    for (const part of partsOf(await read(), vectors, shared)) {
      put(bytes, codesAt(part, scales[at]!, options), vectors, shared ? undefined : at, offset);
      at++;
    }
    yield bytes;
  });
  const small = shared ? [] : [scales.length];
  return {
    dims,
    axis,
    values: scales,
    codes: { dtype: form.dtype, dims, data: codes },
    scales: float32(small, scales),
    zeroPoints: tensor(form.dtype, small, new Uint8Array(scales.length).fill(offset)),
    raised: found.filter(({ raised }) => raised).length,
    widened: found.filter(({ widened }) => widened > 1).length,
    drawn: found.reduce((all, { drawn }) => all + drawn, 0),
  };
}

/** int32 codes of a bias: round(b / (sx * sw)), the scale of the products. Scales are those products in float32. */
export function integerBias({ bias, activationScale }: BiasOf, weight: IntegerWeight) {
  const small = weight.axis === undefined ? [] : [weight.values.length];
  const scales = weight.values.map((scale) => Math.fround(activationScale * scale));
  const codes = Int32Array.from(bias, (value, at) => {
    const code = roundHalfEven(value / scales[weight.axis === undefined ? 0 : at]!);
    return Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, code));
  });
  return { codes: tensor("int32", [bias.length], codes), scales: float32(small, scales) };
}

/** The smallest scale at which the bias (of one channel, or all of it) fits. */
function leastScale({ bias, activationScale }: BiasOf, channel: number | undefined): number {
  let most = 0;
  if (channel !== undefined) most = Math.abs(bias[channel]!);
  else for (const value of bias) most = Math.max(most, Math.abs(value));
  return most / (activationScale * BIAS_TOP);
}

/** The vectors that are summed over: element k of vector (o, i) is at (o * length + k) * inner + i. */
interface Vectors {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

function vectorsOf(dims: readonly number[], { along, sum }: WeightInput): Vectors {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  if (sum !== "matrix" || along === undefined) return { outer: dims[0]!, length: product(dims.slice(1)), inner: 1 };
  return { outer: product(dims.slice(0, along)), length: dims[along]!, inner: product(dims.slice(along + 1)) };
}

/** Each vector as a part, or all of them as one. */
function* partsOf(values: Float32Array, { outer, length, inner }: Vectors, shared: boolean) {
  const all = shared ? new Float32Array(values.length) : undefined;
  for (let vector = 0; vector < outer * inner; vector++) {
    const row = all?.subarray(vector * length, (vector + 1) * length) ?? new Float32Array(length);
    const first = Math.floor(vector / inner) * length * inner + (vector % inner);
    for (let k = 0; k < length; k++) row[k] = values[first + k * inner]!;
    if (!all) yield { values: row, length };
  }
  if (all) yield { values: all, length };
}

function put(
  bytes: Uint8Array,
  codes: ArrayLike<number>,
  { length, inner }: Vectors,
  only: number | undefined,
  offset: number,
): void {
  for (let i = 0; i < codes.length; i++) {
    const vector = only ?? Math.floor(i / length);
    const first = Math.floor(vector / inner) * length * inner + (vector % inner);
    bytes[first + (i % length) * inner] = codes[i]! + offset;
  }
}

/** A matrix that stands as [columns, rows], as [rows, columns] = dims. */
function transposed(values: Float32Array, [rows = 1, columns = 1]: readonly number[]): Float32Array {
  const made = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) made[r * columns + c] = values[c * rows + r]!;
  return made;
}
