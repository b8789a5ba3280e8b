// From decoded pixels to the numbers a model wants: fit into its size, grey or colour, range, mean and deviation, layout.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import type { Value } from "../tensor/value.js";
import type { Augment } from "./augment/index.js";
import type { RawImage } from "./image.js";
import type { ModelInput } from "./reader.js";
import { FILTERS, resize } from "./resize.js";

const CHANNELS = z.union([z.number(), z.array(z.number()).min(1).max(4)]);

/** How pixels become an input; the same object in every reader that gives pixels. */
export const imageOptions = z
  .strictObject({
    preset: z
      .enum(["imagenet", "tf", "unit", "raw"])
      .optional()
      .describe(
        "imagenet: crop to 7/8, 0..1, the ImageNet mean and deviation; tf: crop to 7/8, -1..1; unit: squash, 0..1; raw: squash, 0..255. Default: guessed from the model",
      ),
    size: z
      .union([z.int().min(1), z.tuple([z.int().min(1), z.int().min(1)])])
      .optional()
      .describe("Side, or [height, width], in pixels. Default: as the model states"),
    fit: z
      .enum(["squash", "crop", "pad"])
      .optional()
      .describe(
        "squash: both sides to size; crop: shortest side to `shortest`, then the middle; pad: all of it, black bars",
      ),
    shortest: z.int().min(1).optional().describe("Shortest side before the crop. Default: size * 8 / 7"),
    filter: z.enum(FILTERS).optional().describe("Resampling, as Pillow does it. Default bilinear, with antialias"),
    range: z.enum(["0..1", "0..255"]).optional().describe("Pixel values before mean and deviation"),
    mean: CHANNELS.optional().describe("Subtracted; in units of `range`, in the channel order the model takes"),
    std: CHANNELS.optional().describe("Divides; in units of `range`, in the channel order the model takes"),
    order: z.enum(["rgb", "bgr"]).optional().describe("Channel order the model takes. Default rgb"),
    layout: z.enum(["nchw", "nhwc"]).optional().describe("Default: guessed from the model's input shape"),
    channels: z
      .union([z.literal(1), z.literal(3)])
      .optional()
      .describe("1 makes grey (ITU-R 601). Default: as the model"),
  })
  .describe("How pixels become the model's input");

export type ImageOptions = z.output<typeof imageOptions>;

export interface Recipe {
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  readonly layout: "nchw" | "nhwc";
  /** What was taken for granted, for the dataset's name: "imagenet (guessed)". */
  readonly preset: string;
  /** A float32 Value [1, c, h, w] or [1, h, w, c]; augmented at its final size, as pixels. */
  prepare(image: RawImage, augment?: Augment): Value;
}

const PRESETS = {
  imagenet: { fit: "crop", range: "0..1", mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
  tf: { fit: "crop", range: "0..1", mean: 0.5, std: 0.5 },
  unit: { fit: "squash", range: "0..1", mean: 0, std: 1 },
  raw: { fit: "squash", range: "0..255", mean: 0, std: 1 },
} as const;

/**
 * Completes the options from the model's input and gives the function that prepares a picture.
 * Throws `invalid("image-size-unknown")` when neither the options nor the model state the size.
 */
export function imageRecipe(options: ImageOptions, input: ModelInput | undefined): Recipe {
  const shape = input?.shape?.length === 4 ? input.shape : input?.shape?.length === 3 ? [1, ...input.shape] : undefined;
  const few = (dim: unknown) => dim === 1 || dim === 3;
  const layout = options.layout ?? (shape && few(shape[3]) && !few(shape[1]) ? "nhwc" : "nchw");
  const stated = layout === "nchw" ? [shape?.[1], shape?.[2], shape?.[3]] : [shape?.[3], shape?.[1], shape?.[2]];
  const channels = options.channels ?? (stated[0] === 1 ? 1 : 3);
  const size = typeof options.size === "number" ? [options.size, options.size] : options.size;
  const height = size?.[0] ?? stated[1];
  const width = size?.[1] ?? stated[2];
  if (typeof height !== "number" || typeof width !== "number") {
    throw invalid("image-size-unknown", `The model does not state how large the images for "${input?.name}" are.`, {
      found: shape ? `[${shape.join(", ")}]` : "no input with four dimensions",
      hint: 'State it in dataset.json: "image": { "size": 224 }.',
    });
  }
  const name = options.preset ?? (channels === 1 ? "unit" : layout === "nhwc" ? "tf" : "imagenet");
  // Stated numbers with no preset stand on plain pixels, not on a guess.
  const plain = options.preset === undefined && (options.mean !== undefined || options.range !== undefined);
  const preset = plain ? PRESETS[options.range === "0..255" ? "raw" : "unit"] : PRESETS[name];
  const mean = perChannel(options.mean ?? preset.mean, channels, "mean");
  const std = perChannel(options.std ?? preset.std, channels, "std");
  const top = (options.range ?? preset.range) === "0..1" ? 255 : 1;
  const table = mean.map((m, channel) =>
    Float32Array.from({ length: 256 }, (_, pixel) => (pixel / top - m) / std[channel]!),
  );
  const full = { ...options, fit: options.fit ?? preset.fit };
  return {
    height,
    width,
    channels,
    layout,
    preset: plain ? "stated" : options.preset ? name : `${name}, guessed`,
    prepare: (image, augment) => {
      const fitted = fit(withChannels(image, channels), height, width, full);
      const changed = augment ? augment("picture", fitted) : fitted;
      const data = arrange(changed, table, layout, options.order === "bgr");
      const dims = layout === "nchw" ? [1, channels, height, width] : [1, height, width, channels];
      return { dtype: "float32", dims, data };
    },
  };
}

/** The input that takes pictures: the first with three or four dimensions, else the first. */
export const imageInput = (inputs: readonly ModelInput[]): ModelInput | undefined =>
  inputs.find(({ shape }) => shape?.length === 4) ?? inputs.find(({ shape }) => shape?.length === 3) ?? inputs[0];

/** A uint8 Value [1, h, w] or [1, h, w, c] as a picture. Throws `invalid("data-pixels")` when it is not one. */
export function pixels(value: Value): RawImage {
  const [, height, width, channels = 1] = value.dims;
  const few = channels === 1 || channels === 3 || channels === 4;
  if (value.dtype === "uint8" && height && width && few && value.dims.length <= 4) {
    return { height, width, channels, data: value.data as Uint8Array };
  }
  throw invalid("data-pixels", "These numbers cannot be taken as pixels.", {
    expected: "uint8 of shape [height, width] or [height, width, 1, 3 or 4]",
    found: `${value.dtype}[${value.dims.slice(1).join(", ")}]`,
  });
}

/** Drops alpha without blending, and makes grey or colour, both as Pillow's `convert` ("L": ITU-R 601-2 in 16 bits). */
export function withChannels(image: RawImage, channels: 1 | 3): RawImage {
  if (image.channels === channels) return image;
  const pixels = image.width * image.height;
  const data = new Uint8Array(pixels * channels);
  const from = image.channels;
  for (let i = 0; i < pixels; i++) {
    const [r, g, b] = [image.data[i * from]!, image.data[i * from + 1]!, image.data[i * from + 2]!];
    if (channels === 1) data[i] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16;
    else if (from === 1) data.fill(r, i * 3, i * 3 + 3);
    else data.set([r, g, b], i * 3);
  }
  return { width: image.width, height: image.height, channels, data };
}

function fit(image: RawImage, height: number, width: number, options: ImageOptions): RawImage {
  const filter = options.filter ?? "bilinear";
  if (options.fit === "crop") {
    // torchvision's Resize(shortest) and CenterCrop: the long side rounds down, the margin half to even.
    const shortest = options.shortest ?? Math.round((Math.min(height, width) * 8) / 7);
    const short = Math.min(image.width, image.height);
    const side = (length: number) => (length === short ? shortest : Math.trunc((shortest * length) / short));
    const scaled = resize(image, side(image.width), side(image.height), filter);
    return place(scaled, height, width, halfEven(scaled.height - height), halfEven(scaled.width - width));
  }
  if (options.fit === "pad") {
    const scale = Math.min(width / image.width, height / image.height);
    const side = (length: number) => Math.max(1, Math.round(length * scale));
    const scaled = resize(image, side(image.width), side(image.height), filter);
    return place(scaled, height, width, halfEven(scaled.height - height), halfEven(scaled.width - width));
  }
  return resize(image, width, height, filter);
}

/** The window of height x width that begins at (top, left); outside the image it is black. */
export function place(image: RawImage, height: number, width: number, top: number, left: number): RawImage {
  const { channels } = image;
  const data = new Uint8Array(height * width * channels);
  const begin = Math.max(left, 0);
  const end = Math.min(left + width, image.width);
  for (let y = Math.max(0, -top); y < height && y + top < image.height; y++) {
    const row = (y + top) * image.width;
    const pixels = image.data.subarray((row + begin) * channels, (row + end) * channels);
    data.set(pixels, (y * width + begin - left) * channels);
  }
  return { width, height, channels, data };
}

/** x / 2, halves to the even number, as Python's round. */
function halfEven(x: number): number {
  const half = x / 2;
  const low = Math.floor(half);
  return half === low ? half : low % 2 === 0 ? low : low + 1;
}

function arrange(image: RawImage, table: readonly Float32Array[], layout: "nchw" | "nhwc", reversed: boolean) {
  const { channels } = image;
  const pixels = image.width * image.height;
  const out = new Float32Array(pixels * channels);
  for (let channel = 0; channel < channels; channel++) {
    const values = table[channel]!;
    const from = reversed ? channels - 1 - channel : channel;
    const [start, step] = layout === "nchw" ? [channel * pixels, 1] : [channel, channels];
    for (let i = 0; i < pixels; i++) out[start + i * step] = values[image.data[i * channels + from]!]!;
  }
  return out;
}

function perChannel(stated: number | readonly number[], channels: number, name: string): readonly number[] {
  const values = typeof stated === "number" ? Array<number>(channels).fill(stated) : stated;
  if (values.length === channels && !(name === "std" && values.includes(0))) return values;
  throw invalid("image-channels", `"${name}" does not fit an image of ${channels} channels.`, {
    expected: `a number, or ${channels} numbers${name === "std" ? " other than 0" : ""}`,
    found: JSON.stringify(stated),
  });
}
