// A learning rate that falls by the same amount at every update.

import { z } from "zod";
import { defineSchedule } from "./schedule.js";

export const linear = defineSchedule({
  name: "linear",
  summary: "Falls evenly, to `end` of the learning rate after the last update",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.LinearLR.html",
  options: z.object({ end: z.number().min(0).max(1).default(0).describe("What is left of it at the end") }),
  factor: (step, total, { end }) => 1 + (end - 1) * Math.min(1, step / total),
});
