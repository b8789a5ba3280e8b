// The student's embedding of a sample is drawn to the teacher's of the same sample, and pushed from those of the others.

import { z } from "zod";
import { aligned, comparable, projection, rows, unit } from "../features.js";
import { severalSamples } from "../several-samples.js";
import { defineTeacherLoss } from "../teacher-loss.js";

export const contrastive = defineTeacherLoss({
  name: "contrastive",
  summary: "InfoNCE over the batch: which embedding of the teacher belongs to which of the student",
  reference: "https://arxiv.org/abs/1910.10699, https://arxiv.org/abs/1807.03748",
  options: z.object({ temperature: z.number().positive().default(0.1).describe("What cosines are divided by") }),
  on: "inner",
  weights: projection,
  check(fit) {
    severalSamples(fit);
    comparable(fit);
  },
  write(site) {
    const { emit, options } = site;
    const { own, wanted } = aligned(site);
    const near = emit.matmul(unit(emit, rows(emit, own)), emit.swap(unit(emit, rows(emit, wanted))));
    const size = emit.dims(near)[0]!;
    const logs = emit.op("LogSoftmax", [emit.scale(near, 1 / options.temperature)], { attributes: { axis: 1 } });
    const same = new Float32Array(size * size);
    for (let i = 0; i < size; i++) same[i * size + i] = -1;
    return { sums: emit.reduceSum(emit.mul(logs, emit.floats([size, size], same)), [1], false) };
  },
});
