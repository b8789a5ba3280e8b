// The Kullback-Leibler divergence from a teacher's distribution, softened by a temperature.

import { z } from "zod";
import { defineLoss, inner, perSample } from "./loss.js";
import { numberTarget, probabilityTarget } from "./targets.js";

export const kl = defineLoss({
  name: "kl",
  summary: "Kullback-Leibler divergence from target probabilities or logits, at a temperature, times its square",
  reference: "https://arxiv.org/abs/1503.02531",
  options: z.object({
    targets: z
      .enum(["probabilities", "logits"])
      .default("probabilities")
      .describe("What labels are: probabilities (softened already), or logits that are softened here"),
    temperature: z.number().positive().default(1).describe("What logits are divided by; above 1 softens"),
  }),
  reads: "logits",
  heads: ["none", "softmax", "log-softmax"],
  target({ prediction: { dims }, axis, options }) {
    return options.targets === "logits" ? numberTarget(dims) : probabilityTarget(dims, axis);
  },
  write({ emit, value, target, axis, options: { targets, temperature } }) {
    const dims = emit.dims(value);
    const soften = (logits: string) => emit.scale(logits, 1 / temperature);
    const logs = emit.op("LogSoftmax", [soften(value)], { attributes: { axis } });
    const wantedLogs =
      targets === "logits"
        ? emit.op("LogSoftmax", [soften(target)], { attributes: { axis } })
        : // 0 log 0 is 0: the bound only keeps the logarithm finite.
          emit.log(emit.max(target, emit.number(1e-37)));
    const wanted = targets === "logits" ? emit.exp(wantedLogs) : target;
    const loss = emit.mul(wanted, emit.sub(wantedLogs, logs));
    const positions = dims.reduce((all, size, i) => (i === 0 || i === axis ? all : all * size), 1);
    return {
      // The square keeps gradients of one size as the temperature changes. Positions of a sequence are averaged.
      sums: emit.scale(emit.reduceSum(loss, inner(dims), false), temperature ** 2 / positions),
      gradient(share) {
        const shares = perSample(emit, emit.scale(share, temperature / positions), dims.length);
        return emit.mul(emit.sub(emit.exp(logs), wanted), shares);
      },
    };
  },
});
