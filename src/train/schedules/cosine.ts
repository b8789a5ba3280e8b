// A learning rate that falls along half a cosine: slowly, fast, slowly.

import { z } from "zod";
import { cosineBetween, defineSchedule } from "./schedule.js";

export const cosine = defineSchedule({
  name: "cosine",
  summary: "Falls along half a cosine, to `end` of the learning rate after the last update",
  reference: "https://arxiv.org/abs/1608.03983",
  options: z.object({ end: z.number().min(0).max(1).default(0).describe("What is left of it at the end") }),
  factor: (step, total, { end }) => cosineBetween(1, end, Math.min(1, step / total)),
});
