// Soft labels: the student's probabilities are drawn to the teacher's, both softened by a temperature.

import { z } from "zod";
import { scheduledNumber } from "../scheduled.js";
import { defineTeacherLoss, meanOverPositions, sameShape } from "../teacher-loss.js";

export const softLabels = defineTeacherLoss({
  name: "soft-labels",
  summary: "Kullback-Leibler divergence from the teacher's probabilities at a temperature, times its square",
  reference: "https://arxiv.org/abs/1503.02531",
  options: z.object({
    temperature: scheduledNumber(z.number().positive())
      .default(4)
      .describe("What logits are divided by, in both; above 1 shows what the teacher thinks of wrong classes"),
  }),
  on: "output",
  check: sameShape,
  write({ emit, value, target, axis, activation, mask, scheduled, options: { temperature } }) {
    const heat = scheduled(temperature);
    const [own, wanted] = [value, target].map((logits) => emit.div(logits, heat)) as [string, string];
    // The square keeps gradients of one size as the temperature changes.
    const square = emit.square(heat);
    if (activation === "sigmoid") {
      const [p, logP, logQ] = [emit.sigmoid(wanted), logSigmoid(emit, wanted), logSigmoid(emit, own)];
      const [notP, notLogP, notLogQ] = [
        emit.sigmoid(emit.neg(wanted)),
        logSigmoid(emit, emit.neg(wanted)),
        logSigmoid(emit, emit.neg(own)),
      ];
      const each = emit.add(emit.mul(p, emit.sub(logP, logQ)), emit.mul(notP, emit.sub(notLogP, notLogQ)));
      return { sums: meanOverPositions(emit, emit.mul(each, square), mask) };
    }
    const [logs, wantedLogs] = [own, wanted].map((x) => emit.op("LogSoftmax", [x], { attributes: { axis } })) as [
      string,
      string,
    ];
    const each = emit.reduceSum(emit.mul(emit.exp(wantedLogs), emit.sub(wantedLogs, logs)), [axis], false);
    return { sums: meanOverPositions(emit, emit.mul(each, square), mask) };
  },
});

/** log(1 / (1 + exp(-x))) */
const logSigmoid = (emit: Parameters<typeof meanOverPositions>[0], x: string) =>
  emit.neg(emit.op("Softplus", [emit.neg(x)]));
