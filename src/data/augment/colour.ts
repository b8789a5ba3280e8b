// Brightness, contrast and saturation, each by a random factor: the pixel is mixed with black, with the mean grey of the
// picture, with its own grey. Grey as in ITU-R 601; rounding and clamping after each, since pixels are bytes.

import { z } from "zod";
import type { Random } from "../../tensor/random.js";
import { defineAugmentation } from "./augmentation.js";

const strength = (what: string) =>
  z.number().min(0).max(1).default(0.2).describe(`${what}: the factor is drawn from 1 - this to 1 + this`);

export const colour = defineAugmentation({
  name: "colour",
  summary: "Pictures: brighter or darker, more or less contrast and saturation.",
  reference: "https://docs.pytorch.org/vision/main/generated/torchvision.transforms.ColorJitter.html",
  kind: "picture",
  options: z.object({
    brightness: strength("Brightness"),
    contrast: strength("Contrast"),
    saturation: strength("Saturation"),
  }),
  apply(image, { brightness, contrast, saturation }, random) {
    const bright = factor(brightness, random);
    const sharp = factor(contrast, random);
    const vivid = factor(saturation, random);
    const { channels } = image;
    const colours = channels === 1 ? 1 : 3;
    const data = image.data.slice();
    const grey = (at: number) =>
      colours === 1 ? data[at]! : (data[at]! * 299 + data[at + 1]! * 587 + data[at + 2]! * 114) / 1000;
    const mix = (by: number, other: (at: number) => number) => {
      for (let at = 0; at < data.length; at += channels) {
        const base = other(at) * (1 - by);
        for (let channel = 0; channel < colours; channel++) data[at + channel] = byte(data[at + channel]! * by + base);
      }
    };
    if (bright !== 1) mix(bright, () => 0);
    if (sharp !== 1) {
      let sum = 0;
      for (let at = 0; at < data.length; at += channels) sum += grey(at);
      const mean = Math.round((sum * channels) / data.length);
      mix(sharp, () => mean);
    }
    if (vivid !== 1 && colours === 3) mix(vivid, grey);
    return { ...image, data };
  },
});

const factor = (strength: number, random: Random) => 1 + strength * (2 * random.next() - 1);
const byte = (x: number) => Math.min(255, Math.max(0, Math.round(x)));
