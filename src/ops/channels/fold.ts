// A channel that is masked to a number other than 0 still adds to what sums over it. When it is cut, its share goes into
// the bias: the number times the sum of the weights that read it.

import { DTYPES } from "../../tensor/dtype.js";
import { fromFloat16, toFloat16 } from "../../tensor/float16.js";
import { derivedData, type Tensor } from "../../tensor/tensor.js";

type Foldable = "float32" | "float64" | "float16";

export interface Share {
  readonly weight: Tensor;
  /** Axes of the weight: that of the outputs, and that which is summed over and was cut. */
  readonly outputAxis: number;
  readonly reductionAxis: number;
  /** Outputs and summed positions that stay; undefined: all. */
  readonly outputs: readonly number[] | undefined;
  readonly kept: readonly number[];
  /** What the masked channels hold, times any factor of the operator's. */
  readonly rest: number;
  /** Added to it, one number an output of before the cut; undefined: nothing. */
  readonly bias: Tensor | undefined;
}

/** One number an output that stays, of the weight's type. Sums are of float64. Computed when it is pulled. */
export function foldedBias(share: Share): Tensor {
  const { weight, outputAxis, outputs } = share;
  const dtype = weight.dtype as Foldable;
  const count = outputs?.length ?? weight.dims[outputAxis]!;
  return {
    dtype,
    dims: [count],
    data: derivedData((count * DTYPES[dtype].bits) / 8, async function* () {
      yield encode(await sums(share), dtype);
    }),
  };
}

async function sums({ weight, outputAxis, reductionAxis, outputs, kept, rest, bias }: Share): Promise<Float64Array> {
  const { dims } = weight;
  const values = await decode(weight);
  const stays = new Set(kept);
  const totals = new Float64Array(dims[outputAxis]!);
  const stride = (axis: number) => dims.slice(axis + 1).reduce((all, dim) => all * dim, 1);
  const [outer, inner] = [stride(outputAxis), stride(reductionAxis)];
  for (let at = 0; at < values.length; at++) {
    const summed = Math.floor(at / inner) % dims[reductionAxis]!;
    if (!stays.has(summed)) totals[Math.floor(at / outer) % dims[outputAxis]!]! += values[at]! * rest;
  }
  const added = bias === undefined ? undefined : await decode(bias);
  const all = totals.map((total, at) => total + (added?.[added.length === 1 ? 0 : at] ?? 0));
  return outputs === undefined ? all : Float64Array.from(outputs, (at) => all[at]!);
}

async function decode({ dtype, data }: Tensor): Promise<Float32Array | Float64Array> {
  // A copy: the bytes may stand at any offset.
  const bytes = (await data.read()).slice();
  if (dtype === "float64") return new Float64Array(bytes.buffer);
  return dtype === "float16" ? fromFloat16(new Uint16Array(bytes.buffer)) : new Float32Array(bytes.buffer);
}

function encode(values: Float64Array, dtype: Foldable): Uint8Array {
  if (dtype === "float64") return new Uint8Array(values.buffer);
  const single = Float32Array.from(values);
  return new Uint8Array(dtype === "float16" ? toFloat16(single).buffer : single.buffer);
}
