// Convolution and pooling in float64, in plain loops, from the ONNX specification: what gradients are compared with. Written
// apart from src/train/convolution on purpose.

import type { Attributes, Numbers64 } from "../gradients.js";

/** Per window, the elements that it reads: places in the input (one channel) and in the kernel. */
export interface Table {
  readonly output: readonly number[];
  readonly reads: readonly (readonly { readonly from: number; readonly tap: number }[])[];
  /** Per window, how many of its elements lie in the input or its stated padding. */
  readonly withPadding: readonly number[];
}

export const numberOf = (attributes: Attributes, name: string, otherwise: number): number => {
  const found = attributes[name];
  if (found === undefined) return otherwise;
  if (typeof found === "number") return found;
  return Number((found as { readonly value: number | bigint }).value);
};
export const listOf = (attributes: Attributes, name: string) => attributes[name] as readonly number[] | undefined;
export const size = (dims: readonly number[]) => dims.reduce((all, one) => all * one, 1);

export function tableOf(attributes: Attributes, input: readonly number[], kernel: readonly number[]): Table {
  const axes = input.map((length, axis) => axisOf(attributes, axis, length, kernel));
  const output = axes.map((axis) => axis.starts.length);
  const reads = [];
  const withPadding = [];
  for (let window = 0; window < size(output); window++) {
    const at = unravel(window, output);
    const found = [];
    let counted = 0;
    for (let tap = 0; tap < size(kernel); tap++) {
      const step = unravel(tap, kernel);
      const place = axes.map((axis, i) => axis.starts[at[i]!]! + step[i]! * axis.dilation);
      if (place.every((p, i) => p >= -axes[i]!.begin && p < input[i]! + axes[i]!.end)) counted++;
      if (place.every((p, i) => p >= 0 && p < input[i]!)) found.push({ from: ravel(place, input), tap });
    }
    reads.push(found);
    withPadding.push(counted);
  }
  return { output, reads, withPadding };
}

function axisOf(attributes: Attributes, axis: number, length: number, kernel: readonly number[]) {
  const stride = listOf(attributes, "strides")?.[axis] ?? 1;
  const dilation = listOf(attributes, "dilations")?.[axis] ?? 1;
  const span = (kernel[axis]! - 1) * dilation + 1;
  const { auto_pad: auto } = attributes;
  let begin = 0;
  let end = 0;
  let count: number;
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
    count = Math.ceil(length / stride);
    const total = Math.max((count - 1) * stride + span - length, 0);
    begin = auto === "SAME_UPPER" ? total >> 1 : total - (total >> 1);
    end = total - begin;
  } else {
    const pads = listOf(attributes, "pads");
    if (pads !== undefined) [begin, end] = [pads[axis]!, pads[axis + kernel.length]!];
    const more = (length + begin + end - span) / stride;
    count = Math.floor(more) + 1;
    if (numberOf(attributes, "ceil_mode", 0) === 1) {
      count = Math.ceil(more) + 1;
      // A window starts in the input or in the padding before it.
      if ((count - 1) * stride >= length + begin) count--;
    }
  }
  return { begin, end, dilation, starts: Array.from({ length: count }, (_, window) => window * stride - begin) };
}

/** Inputs x, w and, if given, b. */
export function conv(inputs: readonly (Numbers64 | undefined)[], attributes: Attributes): Numbers64[] {
  const [x, w, b] = inputs as [Numbers64, Numbers64, Numbers64 | undefined];
  const [batch, channels, ...input] = x.dims as [number, number, ...number[]];
  const [filters, width, ...kernel] = w.dims as [number, number, ...number[]];
  const table = tableOf(attributes, input, kernel);
  const perGroup = filters / numberOf(attributes, "group", 1);
  const [places, windows, taps] = [size(input), size(table.output), size(kernel)];
  const data = new Float64Array(batch * filters * windows);
  for (let n = 0; n < batch; n++) {
    for (let m = 0; m < filters; m++) {
      for (let o = 0; o < windows; o++) {
        let sum = b?.data[m] ?? 0;
        for (let i = 0; i < width; i++) {
          const channel = Math.floor(m / perGroup) * width + i;
          for (const { from, tap } of table.reads[o]!) {
            sum += x.data[(n * channels + channel) * places + from]! * w.data[(m * width + i) * taps + tap]!;
          }
        }
        data[(n * filters + m) * windows + o] = sum;
      }
    }
  }
  return [{ dims: [batch, filters, ...table.output], data }];
}

/** Inputs x, w and, if given, b. */
export function convTranspose(inputs: readonly (Numbers64 | undefined)[], attributes: Attributes): Numbers64[] {
  const [x, w, b] = inputs as [Numbers64, Numbers64, Numbers64 | undefined];
  const [batch, channels, ...input] = x.dims as [number, number, ...number[]];
  const [, perGroup, ...kernel] = w.dims as [number, number, ...number[]];
  const groups = numberOf(attributes, "group", 1);
  const filters = perGroup * groups;
  const axes = input.map((length, axis) => {
    const stride = listOf(attributes, "strides")?.[axis] ?? 1;
    const dilation = listOf(attributes, "dilations")?.[axis] ?? 1;
    const extra = listOf(attributes, "output_padding")?.[axis] ?? 0;
    const whole = (length - 1) * stride + (kernel[axis]! - 1) * dilation + 1 + extra;
    const pads = listOf(attributes, "pads");
    const stated = listOf(attributes, "output_shape")?.[axis];
    const { auto_pad: auto } = attributes;
    if (stated === undefined && auto !== "SAME_UPPER" && auto !== "SAME_LOWER") {
      const begin = pads?.[axis] ?? 0;
      return { stride, dilation, begin, size: whole - begin - (pads?.[axis + kernel.length] ?? 0) };
    }
    const wanted = stated ?? length * stride;
    const total = Math.max(0, whole - wanted);
    return { stride, dilation, begin: auto === "SAME_UPPER" ? total >> 1 : total - (total >> 1), size: wanted };
  });
  const output = axes.map((axis) => axis.size);
  const [places, windows, taps] = [size(output), size(input), size(kernel)];
  const data = new Float64Array(batch * filters * places);
  for (let i = 0; i < data.length; i++) data[i] = b?.data[Math.floor(i / places) % filters] ?? 0;
  for (let o = 0; o < windows; o++) {
    const at = unravel(o, input);
    for (let tap = 0; tap < taps; tap++) {
      const step = unravel(tap, kernel);
      const place = axes.map((axis, i) => at[i]! * axis.stride - axis.begin + step[i]! * axis.dilation);
      if (!place.every((p, i) => p >= 0 && p < output[i]!)) continue;
      const to = ravel(place, output);
      for (let n = 0; n < batch; n++) {
        for (let c = 0; c < channels; c++) {
          for (let m = 0; m < perGroup; m++) {
            const filter = Math.floor((c * groups) / channels) * perGroup + m;
            data[(n * filters + filter) * places + to]! +=
              x.data[(n * channels + c) * windows + o]! * w.data[(c * perGroup + m) * taps + tap]!;
          }
        }
      }
    }
  }
  return [{ dims: [batch, filters, ...output], data }];
}

type Reduce = (values: readonly number[], withPadding: number, attributes: Attributes) => number;

/** Pooling with any function of what a window reads. `kernel_shape` absent: over all places of a channel. */
const pool =
  (reduce: Reduce) =>
  ([x]: readonly (Numbers64 | undefined)[], attributes: Attributes): Numbers64[] => {
    const [batch, channels, ...input] = x!.dims as [number, number, ...number[]];
    const table = tableOf(attributes, input, listOf(attributes, "kernel_shape") ?? input);
    const [places, windows] = [size(input), size(table.output)];
    const data = new Float64Array(batch * channels * windows);
    for (let plane = 0; plane < batch * channels; plane++) {
      table.reads.forEach((reads, o) => {
        const values = reads.map(({ from }) => x!.data[plane * places + from]!);
        data[plane * windows + o] = reduce(values, table.withPadding[o]!, attributes);
      });
    }
    return [{ dims: [batch, channels, ...table.output], data }];
  };

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);
export const averagePool = pool(
  (values, withPadding, { count_include_pad }) => sum(values) / (count_include_pad === 1 ? withPadding : values.length),
);
export const maxPool = pool((values) => Math.max(...values));
export const lpPool = pool((values, _, attributes) => {
  const p = numberOf(attributes, "p", 2);
  return sum(values.map((value) => Math.abs(value) ** p)) ** (1 / p);
});

function unravel(flat: number, dims: readonly number[]): number[] {
  const at = dims.map(() => 0);
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    at[axis] = flat % dims[axis]!;
    flat = Math.floor(flat / dims[axis]!);
  }
  return at;
}

const ravel = (at: readonly number[], dims: readonly number[]) =>
  at.reduce((flat, index, axis) => flat * dims[axis]! + index, 0);
