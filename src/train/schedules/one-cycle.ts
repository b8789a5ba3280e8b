// A learning rate that rises from little, then falls to less.

import { z } from "zod";
import { cosineBetween, defineSchedule } from "./schedule.js";

export const oneCycle = defineSchedule({
  name: "one-cycle",
  summary: "Rises to the learning rate over the first part, then falls to almost nothing, both along half a cosine",
  reference: "https://arxiv.org/abs/1708.07120",
  options: z.object({
    rise: z.number().min(0).lt(1).default(0.3).describe("Share of the training in which it rises"),
    start: z.number().positive().default(25).describe("It starts at the learning rate over this"),
    end: z.number().positive().default(1e4).describe("It ends at the start over this"),
  }),
  // As torch.optim.lr_scheduler.OneCycleLR: phases end on updates, the last update has the last rate.
  factor(step, total, { rise, start, end }) {
    const top = rise * total - 1;
    if (step <= top) return top <= 0 ? 1 : cosineBetween(1 / start, 1, step / top);
    const last = total - 1;
    return cosineBetween(1, 1 / start / end, last <= top ? 1 : Math.min(1, (step - top) / (last - top)));
  },
});
