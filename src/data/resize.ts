// Image resizing exactly as Pillow does it (Resample.c, 8 bits a channel): separable filters whose support grows with the
// downsampling factor (antialias), coefficients in 22-bit fixed point, width first, rounding after each pass.
// (Pillow 13 does the height first where that shrinks much more; a step of 1/255 apart, or more where bicubic clips.)
// Equal to the bit in Node and the page, because nothing of the platform takes part.

import { invalid } from "../base/errors.js";
import type { RawImage } from "./image.js";

export const FILTERS = ["nearest", "box", "bilinear", "bicubic", "lanczos"] as const;
export type Filter = (typeof FILTERS)[number];

/** A filter's weight at a distance, and the distance from which it is 0, both in source pixels when not shrinking. */
const KERNELS: Readonly<Record<Exclude<Filter, "nearest">, { support: number; weight: (x: number) => number }>> = {
  box: { support: 0.5, weight: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x) => (x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

const PRECISION = 2 ** 22;

/** Resizes to width x height pixels (each at least 1). Channels are resized each on its own. */
export function resize(image: RawImage, width: number, height: number, filter: Filter = "bilinear"): RawImage {
  if (!(width >= 1 && height >= 1) || !Number.isInteger(width) || !Number.isInteger(height)) {
    throw invalid("image-size", "An image can only be resized to a whole number of pixels, at least 1 x 1.", {
      found: `${width} x ${height}`,
    });
  }
  if (filter === "nearest") return nearest(image, width, height);
  const wide = width === image.width ? image : horizontal(image, coefficients(image.width, width, filter));
  return height === wide.height ? wide : vertical(wide, coefficients(wide.height, height, filter));
}

interface Coefficients {
  readonly size: number;
  /** Per output pixel: the first source pixel and how many. */
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` fixed-point weights per output pixel. */
  readonly weights: Int32Array;
  readonly stride: number;
}

function coefficients(from: number, to: number, filter: Exclude<Filter, "nearest">): Coefficients {
  const kernel = KERNELS[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  const stride = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  for (let out = 0; out < to; out++) {
    const center = (out + 0.5) * scale;
    const begin = Math.max(Math.trunc(center - support + 0.5), 0);
    const end = Math.min(Math.trunc(center + support + 0.5), from);
    const row: number[] = [];
    let sum = 0;
    for (let x = begin; x < end; x++) {
      const weight = kernel.weight((x - center + 0.5) / stretch);
      row.push(weight);
      sum += weight;
    }
    row.forEach((weight, i) => {
      const fixed = (sum === 0 ? weight : weight / sum) * PRECISION;
      weights[out * stride + i] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    });
    first[out] = begin;
    count[out] = end - begin;
  }
  return { size: to, first, count, weights, stride };
}

function horizontal(image: RawImage, { size, first, count, weights, stride }: Coefficients): RawImage {
  const { channels, data, height } = image;
  const out = new Uint8Array(size * height * channels);
  for (let y = 0; y < height; y++) {
    const row = y * image.width * channels;
    for (let x = 0; x < size; x++) {
      const begin = row + first[x]! * channels;
      for (let channel = 0; channel < channels; channel++) {
        let sum = PRECISION / 2;
        for (let i = 0; i < count[x]!; i++) sum += data[begin + i * channels + channel]! * weights[x * stride + i]!;
        out[(y * size + x) * channels + channel] = clip(sum);
      }
    }
  }
  return { width: size, height, channels, data: out };
}

function vertical(image: RawImage, { size, first, count, weights, stride }: Coefficients): RawImage {
  const { channels, data, width } = image;
  const pitch = width * channels;
  const out = new Uint8Array(size * pitch);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < pitch; x++) {
      let sum = PRECISION / 2;
      for (let i = 0; i < count[y]!; i++) sum += data[(first[y]! + i) * pitch + x]! * weights[y * stride + i]!;
      out[y * pitch + x] = clip(sum);
    }
  }
  return { width, height: size, channels, data: out };
}

function nearest(image: RawImage, width: number, height: number): RawImage {
  const { channels, data } = image;
  const out = new Uint8Array(width * height * channels);
  const source = (at: number, from: number, to: number) => Math.min(Math.floor((at + 0.5) * (from / to)), from - 1);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = source(y, image.height, height) * image.width;
    for (let x = 0; x < width; x++) {
      const from = (row + source(x, image.width, width)) * channels;
      for (let channel = 0; channel < channels; channel++) out[to++] = data[from + channel]!;
    }
  }
  return { width, height, channels, data: out };
}

const clip = (sum: number) => Math.min(Math.max(Math.floor(sum / PRECISION), 0), 255);

/** Keys' cubic convolution with a = -0.5. */
function cubic(at: number): number {
  const x = Math.abs(at);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  if (x < 2) return ((-0.5 * x + 2.5) * x - 4) * x + 2;
  return 0;
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}
