// Random crop with padding: a window of the picture's own size that is shifted over the picture with a black border.

import { z } from "zod";
import { place } from "../picture.js";
import { defineAugmentation } from "./augmentation.js";

export const crop = defineAugmentation({
  name: "crop",
  summary: "Pictures: a black border around, then a window of the size before, at random.",
  reference: "He et al., Deep residual learning for image recognition (2016), section 4.2",
  kind: "picture",
  options: z.object({ padding: z.int().min(1).default(4).describe("Width of the border on each side, in pixels") }),
  apply: (image, { padding }, random) => {
    const top = random.int(2 * padding + 1) - padding;
    const left = random.int(2 * padding + 1) - padding;
    return top === 0 && left === 0 ? image : place(image, image.height, image.width, top, left);
  },
});
