// Codes, scales and zero points come out of one computation. They are computed when first pulled: the small parts are
// kept, the codes are given out and let go, so that a model of any size costs one weight of memory.

import { invalid } from "../base/errors.js";
import { castBfloat16, castFloat16, quantizeBlocks, quantizeLinear, statistics } from "../kernels/slabs.js";
import type { StepContext } from "../step/step.js";
import { elementCount } from "../tensor/dtype.js";
import { fromFloat16, toFloat16 } from "../tensor/float16.js";
import { bytesData, CHUNK, derivedData, type Tensor, type TensorData } from "../tensor/tensor.js";
import type { Weight } from "../weights/weights.js";
import type { FitLayout, FittedCodes } from "./fitted/layout.js";

/** What a computation needs of the step's context; kept by lazy tensors, so nothing that changes. */
export type Workers = Pick<StepContext, "kernels" | "signal"> & { readonly fits?: Fitter | undefined };

/** Finds codes before the result is written (`fitted/`): asked for while the plan is made. */
export interface Fitter {
  want(weight: Weight, given: FitLayout): () => Promise<FittedCodes>;
}

export interface Codes {
  readonly codes: TensorData;
  /** In the weight's own float type. */
  readonly scales: TensorData;
  /** As wide as a code; absent when symmetric. */
  readonly zeroPoints?: TensorData;
}

export interface LinearLayout {
  /** The axis that has scales of its own; undefined: one scale for all. */
  readonly axis: number | undefined;
  /** Scales differ along the axes before `axis` too: the directions of a recurrent layer. */
  readonly leading: boolean;
  readonly low: number;
  readonly high: number;
  /** With a zero point of its own for each scale; otherwise `zeroPoint` for all. */
  readonly asymmetric: boolean;
  /** The code of 0 when symmetric. */
  readonly zeroPoint: number;
}

/** One code a byte (16-bit codes: two bytes) in the weight's own layout, one scale for all or for each index of an axis. Two passes over the weight. */
export function linearCodes(workers: Workers, weight: Weight, layout: LinearLayout): Codes {
  const { tensor } = weight;
  const { low, high, asymmetric, zeroPoint } = layout;
  const view = { from: tensor.dtype, ...viewOf(tensor.dims, layout) };
  const control = { signal: workers.signal };
  const parameters = once(async () => {
    const { min, max, nonFinite } = await statistics(await workers.kernels(), tensor.data, view, control);
    if (nonFinite > 0) throw notFinite(weight);
    return asymmetric
      ? asymmetricParameters(min, max, low, high)
      : symmetricParameters(min, max, high - zeroPoint, zeroPoint);
  });
  const count = view.axis === undefined ? 1 : view.dims[view.axis]!;
  const wide = low < -128 || high > 255;
  const codes = derivedData(weight.elements * (wide ? 2 : 1), async function* () {
    const { scales, zeroPoints } = rounded(await parameters(), tensor.dtype);
    const pool = await workers.kernels();
    yield* quantizeLinear(pool, tensor.data, { ...view, scales, zeroPoints, low, high }, control);
  });
  const scales = scaleData(count, tensor.dtype, async () => (await parameters()).scales);
  if (!asymmetric) return { codes, scales };
  const zeroPoints = lazyBytes(count * (wide ? 2 : 1), async () => {
    const { zeroPoints: found } = await parameters();
    return wide ? bytesOf(Uint16Array.from(found)) : Uint8Array.from(found);
  });
  return { codes, scales, zeroPoints };
}

function viewOf(dims: readonly number[], { axis, leading }: LinearLayout) {
  if (axis === undefined || !leading) return { dims, axis };
  return { dims: [elementCount(dims.slice(0, axis + 1)), elementCount(dims.slice(axis + 1))], axis: 0 };
}

function symmetricParameters(min: Float32Array, max: Float32Array, top: number, zeroPoint: number) {
  const scales = min.map((low, at) => Math.max(-low, max[at]!) / top);
  return { scales, zeroPoints: new Int32Array(scales.length).fill(zeroPoint) };
}

function asymmetricParameters(min: Float32Array, max: Float32Array, low: number, high: number) {
  const scales = new Float32Array(min.length);
  const zeroPoints = new Int32Array(min.length);
  for (let at = 0; at < min.length; at++) {
    // The range is widened to hold 0, which must have a code of its own.
    const bottom = Math.min(min[at]!, 0);
    scales[at] = (Math.max(max[at]!, 0) - bottom) / (high - low);
    zeroPoints[at] = scales[at] === 0 ? 0 : Math.min(high, Math.max(low, Math.round(low - bottom / scales[at]!)));
  }
  return { scales, zeroPoints };
}

/** Codes must be made for the scale that is stored. */
function rounded(parameters: { scales: Float32Array; zeroPoints: Int32Array }, dtype: Weight["tensor"]["dtype"]) {
  if (dtype === "float32") return parameters;
  return { ...parameters, scales: fromFloat16(toFloat16(parameters.scales)) };
}

export interface BlockLayout {
  readonly rows: number;
  readonly columns: number;
  readonly along: "rows" | "columns";
  readonly block: number;
  readonly bits: 4 | 8;
  readonly symmetric: boolean;
}

/** Blockwise codes [outer, blocks, block], packed low bits first; scales and zero points [outer, blocks]. One pass. */
export function blockCodes(workers: Workers, weight: Weight, layout: BlockLayout): Codes {
  const [outer, inner] = layout.along === "rows" ? [layout.columns, layout.rows] : [layout.rows, layout.columns];
  const count = outer * Math.ceil(inner / layout.block);
  const compute = async () => {
    const form = { ...layout, from: weight.tensor.dtype };
    const made = await quantizeBlocks(await workers.kernels(), weight.tensor.data, form, { signal: workers.signal });
    if (made.nonFinite > 0) throw notFinite(weight);
    return made;
  };
  let small: Promise<{ scales: Float32Array; zeroPoints?: Uint8Array }> | undefined;
  const parameters = () => {
    small ??= compute().then(({ scales, zeroPoints }) => (zeroPoints ? { scales, zeroPoints } : { scales }));
    // A failure (a cancelled pull) is not kept.
    small.catch(() => {
      small = undefined;
    });
    return small;
  };
  const codes = derivedData((count * layout.block * layout.bits) / 8, async function* () {
    const { codes, scales, zeroPoints } = await compute();
    small = Promise.resolve(zeroPoints ? { scales, zeroPoints } : { scales });
    for (let at = 0; at < codes.byteLength; at += CHUNK) yield codes.subarray(at, at + CHUNK);
  });
  const scales = scaleData(count, weight.tensor.dtype, async () => (await parameters()).scales);
  if (layout.symmetric) return { codes, scales };
  return { codes, scales, zeroPoints: lazyBytes(count, async () => (await parameters()).zeroPoints!) };
}

/** The weight in float16. Pulling throws `invalid("weight-beyond-float16")` when a finite value would become infinite. */
export const halfCopy = (workers: Workers, name: string, tensor: Tensor) =>
  narrowed(workers, name, tensor, "float16", castFloat16);

/** The weight in bfloat16. Pulling throws `invalid("weight-beyond-bfloat16")` when a finite value would become infinite. */
export const bfloat16Copy = (workers: Workers, { name, tensor }: Weight) =>
  narrowed(workers, name, tensor, "bfloat16", castBfloat16);

function narrowed<Format extends "float16" | "bfloat16">(
  workers: Workers,
  name: string,
  tensor: Tensor,
  dtype: Format,
  cast: typeof castFloat16,
): Tensor & { readonly dtype: Format } {
  const data = derivedData(elementCount(tensor.dims) * 2, async function* () {
    for await (const part of cast(await workers.kernels(), tensor.data, { signal: workers.signal })) {
      if (part.overflow > 0) throw beyond(dtype, name, part.maxAbs);
      yield part.bytes;
    }
  });
  return { dtype, dims: tensor.dims, data };
}

const beyond = (format: "float16" | "bfloat16", name: string, found: number) =>
  invalid(`weight-beyond-${format}`, `Weight "${name}" holds values that ${format} cannot.`, {
    node: name,
    expected: `at most ${format === "float16" ? "65504" : "3.39e38"}`,
    found: String(found),
    hint: `Leave it in float32: --keep "${name}".`,
  });

export const notFinite = (weight: Weight) =>
  invalid("weight-not-finite", `Weight "${weight.name}" holds infinities or NaN, which no code stands for.`, {
    node: weight.name,
    hint: `Leave it as it is: --keep "${weight.name}".`,
  });

function scaleData(count: number, dtype: Weight["tensor"]["dtype"], scales: () => Promise<Float32Array>): TensorData {
  const width = dtype === "float16" ? 2 : 4;
  return lazyBytes(count * width, async () =>
    bytesOf(dtype === "float16" ? toFloat16(await scales()) : await scales()),
  );
}

const lazyBytes = (byteLength: number, make: () => Promise<Uint8Array>): TensorData =>
  derivedData(byteLength, async function* () {
    yield await make();
  });

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** A constant of one repeated byte, for zero points that all are alike. */
export const filled = (count: number, value: number): TensorData => bytesData(new Uint8Array(count).fill(value));

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    // A failure (a cancelled pull) is not kept.
    made.catch(() => {
      made = undefined;
    });
    return made;
  };
}
