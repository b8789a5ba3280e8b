// A learning rate that falls at stated points of the training.

import { z } from "zod";
import { defineSchedule } from "./schedule.js";

export const step = defineSchedule({
  name: "step",
  summary: "Times `gamma` at each of the points `at`, which are shares of the whole training",
  reference: "https://docs.pytorch.org/docs/stable/generated/torch.optim.lr_scheduler.MultiStepLR.html",
  options: z.object({
    gamma: z.number().positive().default(0.1).describe("What the learning rate is multiplied with"),
    at: z.array(z.number().min(0).max(1)).default([0.5, 0.75]).describe("Where: 0 is the start, 1 the end"),
  }),
  factor: (step, total, { gamma, at }) => gamma ** at.filter((share) => step >= Math.round(share * total)).length,
});
