// The student's logits are drawn to the teacher's as they are.

import { z } from "zod";
import { defineTeacherLoss, meanOverPositions, sameShape } from "../teacher-loss.js";

export const logits = defineTeacherLoss({
  name: "logits",
  summary: "Mean squared difference of what outputs give before their last activation",
  reference: "https://arxiv.org/abs/1312.6184",
  options: z.object({}),
  on: "output",
  check: sameShape,
  write: ({ emit, value, target, mask }) => ({
    sums: meanOverPositions(emit, emit.square(emit.sub(value, target)), mask),
  }),
});
