// White noise over a sound, of a random level.

import { z } from "zod";
import { defineAugmentation } from "./augmentation.js";

export const noise = defineAugmentation({
  name: "noise",
  summary: "Sounds: white noise added, of a level drawn anew for each.",
  kind: "sound",
  options: z.object({
    level: z.number().min(0).max(1).default(0.005).describe("Greatest standard deviation; full scale is 1"),
  }),
  apply({ samples, rate }, { level }, random) {
    const deviation = level * random.next();
    return { samples: samples.map((x) => Math.min(1, Math.max(-1, x + deviation * random.normal()))), rate };
  },
});
