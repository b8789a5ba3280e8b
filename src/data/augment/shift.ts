// A sound that begins earlier or later; what is missing is silence.

import { z } from "zod";
import { defineAugmentation } from "./augmentation.js";

export const shift = defineAugmentation({
  name: "shift",
  summary: "Sounds: moved in time, silence where nothing is left.",
  kind: "sound",
  options: z.object({
    seconds: z.number().min(0).max(60).default(0.1).describe("At most so far, earlier or later"),
  }),
  apply({ samples, rate }, { seconds }, random) {
    const most = Math.min(Math.round(seconds * rate), samples.length);
    const by = random.int(2 * most + 1) - most;
    if (by === 0) return { samples, rate };
    const moved = new Float32Array(samples.length);
    if (by > 0) moved.set(samples.subarray(0, samples.length - by), by);
    else moved.set(samples.subarray(-by));
    return { samples: moved, rate };
  },
});
