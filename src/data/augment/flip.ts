// Left and right exchanged.

import { z } from "zod";
import { defineAugmentation } from "./augmentation.js";

export const flip = defineAugmentation({
  name: "flip",
  summary: "Pictures: left and right exchanged, in part of the draws.",
  kind: "picture",
  options: z.object({
    probability: z.number().min(0).max(1).default(0.5).describe("Share of pictures that are flipped"),
  }),
  apply(image, { probability }, random) {
    if (random.next() >= probability) return image;
    const { width, height, channels } = image;
    const data = new Uint8Array(image.data.length);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const from = (y * width + x) * channels;
        const to = (y * width + width - 1 - x) * channels;
        for (let channel = 0; channel < channels; channel++) data[to + channel] = image.data[from + channel]!;
      }
    }
    return { ...image, data };
  },
});
