// Samples that are alike for the teacher become alike for the student: no widths need to agree.

import { z } from "zod";
import { rows, unit } from "../features.js";
import { severalSamples } from "../several-samples.js";
import { defineTeacherLoss } from "../teacher-loss.js";

export const similarity = defineTeacherLoss({
  name: "similarity",
  summary: "Difference of how alike the samples of a batch are: products of inner values, rows of length 1",
  reference: "https://arxiv.org/abs/1907.09682",
  options: z.object({}),
  on: "inner",
  check: severalSamples,
  write({ emit, value, target }) {
    const [own, wanted] = [value, target].map((values) => {
      const flat = rows(emit, values);
      return unit(emit, emit.matmul(flat, emit.swap(flat)));
    }) as [string, string];
    // Section 3.1: the sum of squares over batch^2; the mean over samples divides once.
    return { sums: emit.reduceMean(emit.square(emit.sub(own, wanted)), [1], false) };
  },
});
