// Operators that normalise, in float64, in plain loops, from their specifications: what gradients are compared with.

import type { Attributes, Numbers64 } from "../gradients.js";
import { numberOf, size } from "./windows.js";

/** Mean and 1 / sqrt(variance + epsilon) of `values`; `centred` false: 0 and 1 / sqrt(mean square + epsilon). */
function statistics(values: Float64Array, epsilon: number, centred: boolean) {
  const mean = centred ? values.reduce((all, value) => all + value, 0) / values.length : 0;
  const square = values.reduce((all, value) => all + (value - mean) ** 2, 0) / values.length;
  return { mean, inverse: 1 / Math.sqrt(square + epsilon) };
}

/** Runs of `length` elements normalised; `scaled(xhat, index)` gives the result. */
function runs(
  x: Numbers64,
  length: number,
  { epsilon, centred }: { readonly epsilon: number; readonly centred: boolean },
  scaled: (xhat: number, index: number) => number,
): Numbers64 {
  const data = new Float64Array(x.data.length);
  for (let from = 0; from < data.length; from += length) {
    const { mean, inverse } = statistics(x.data.subarray(from, from + length), epsilon, centred);
    for (let i = from; i < from + length; i++) data[i] = scaled((x.data[i]! - mean) * inverse, i);
  }
  return { dims: x.dims, data };
}

type Inputs = readonly (Numbers64 | undefined)[];

/** Of each channel of each sample. */
export function instanceNorm([x, scale, bias]: Inputs, attributes: Attributes): Numbers64[] {
  const channels = x!.dims[1]!;
  const length = size(x!.dims.slice(2));
  const epsilon = Math.fround(numberOf(attributes, "epsilon", 1e-5));
  return [
    runs(x!, length, { epsilon, centred: true }, (xhat, index) => {
      const channel = Math.floor(index / length) % channels;
      return xhat * scale!.data[channel]! + bias!.data[channel]!;
    }),
  ];
}

/** Of each group of channels of each sample; scale and bias per channel. */
export function groupNorm([x, scale, bias]: Inputs, attributes: Attributes): Numbers64[] {
  const channels = x!.dims[1]!;
  const places = size(x!.dims.slice(2));
  const epsilon = Math.fround(numberOf(attributes, "epsilon", 1e-5));
  const length = (channels / numberOf(attributes, "num_groups", 1)) * places;
  return [
    runs(x!, length, { epsilon, centred: true }, (xhat, index) => {
      const channel = Math.floor(index / places) % channels;
      return xhat * scale!.data[channel]! + bias!.data[channel]!;
    }),
  ];
}

/** Over the axes from `axis` on; scale of those dimensions. */
export function rmsNorm([x, scale]: Inputs, attributes: Attributes): Numbers64[] {
  const axis = numberOf(attributes, "axis", -1);
  const length = size(x!.dims.slice(axis));
  const epsilon = Math.fround(numberOf(attributes, "epsilon", 1e-5));
  return [runs(x!, length, { epsilon, centred: false }, (xhat, index) => xhat * scale!.data[index % length]!)];
}

/** Over the axes from `axis` on; with the means and the inverse deviations as results. */
export function layerNorm([x, scale, bias]: Inputs, attributes: Attributes): Numbers64[] {
  const stated = numberOf(attributes, "axis", -1);
  const axis = stated < 0 ? stated + x!.dims.length : stated;
  const length = size(x!.dims.slice(axis));
  const epsilon = Math.fround(numberOf(attributes, "epsilon", 1e-5));
  const y = runs(
    x!,
    length,
    { epsilon, centred: true },
    (xhat, index) => xhat * scale!.data[index % length]! + (bias?.data[index % length] ?? 0),
  );
  const of = Array.from({ length: x!.data.length / length }, (_, row) =>
    statistics(x!.data.subarray(row * length, (row + 1) * length), epsilon, true),
  );
  const dims = x!.dims.map((all, i) => (i < axis ? all : 1));
  return [
    y,
    { dims, data: Float64Array.from(of, ({ mean }) => mean) },
    { dims, data: Float64Array.from(of, ({ inverse }) => inverse) },
  ];
}

/** com.microsoft's fused sum and normalisation over the last axis. */
const skip =
  (centred: boolean) =>
  (inputs: Inputs, attributes: Attributes): Numbers64[] => {
    const [x, other, scale] = inputs as Numbers64[];
    const [beta, bias] = centred ? [inputs[3], inputs[4]] : [undefined, inputs[3]];
    const length = x!.dims.at(-1)!;
    const data = x!.data.map(
      (value, i) => value + other!.data[i % other!.data.length]! + (bias?.data[i % length] ?? 0),
    );
    const epsilon = Math.fround(numberOf(attributes, "epsilon", 1e-12));
    const scaled = (xhat: number, index: number) =>
      xhat * scale!.data[index % length]! + (beta?.data[index % length] ?? 0);
    return [runs({ dims: x!.dims, data }, length, { epsilon, centred }, scaled)];
  };

export const skipLayerNorm = skip(true);
export const skipRmsNorm = skip(false);

/** Across channels: size, alpha, beta, bias. */
export function lrn([x]: Inputs, attributes: Attributes): Numbers64[] {
  const [batch, channels, ...rest] = x!.dims as [number, number, ...number[]];
  const places = size(rest);
  const width = numberOf(attributes, "size", 1);
  const [alpha, beta, bias] = [
    Math.fround(numberOf(attributes, "alpha", 1e-4)),
    Math.fround(numberOf(attributes, "beta", 0.75)),
    Math.fround(numberOf(attributes, "bias", 1)),
  ];
  const data = new Float64Array(x!.data.length);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let place = 0; place < places; place++) {
        let square = 0;
        const low = Math.max(0, c - Math.floor((width - 1) / 2));
        const high = Math.min(channels - 1, c + Math.ceil((width - 1) / 2));
        for (let i = low; i <= high; i++) square += x!.data[(n * channels + i) * places + place]! ** 2;
        const at = (n * channels + c) * places + place;
        data[at] = x!.data[at]! / (bias + (alpha / width) * square) ** beta;
      }
    }
  }
  return [{ dims: x!.dims, data }];
}
