// What a layer of the student gives is drawn to what a layer of the teacher gives.

import { z } from "zod";
import { aligned, comparable, featureAxis, projection } from "../features.js";
import { defineTeacherLoss, meanOverPositions } from "../teacher-loss.js";

export const hidden = defineTeacherLoss({
  name: "hidden",
  summary: "Distance of inner values; where widths differ a projection is learned with the student",
  reference: "https://arxiv.org/abs/1412.6550, https://arxiv.org/abs/1909.10351",
  options: z.object({
    distance: z
      .enum(["squared", "cosine"])
      .default("squared")
      .describe("squared: mean squared difference; cosine: 1 minus the cosine of each position's features"),
  }),
  on: "inner",
  weights: projection,
  check: comparable,
  write(site) {
    const { emit, mask, options } = site;
    const { own, wanted } = aligned(site);
    if (options.distance === "squared") {
      const each = emit.square(emit.sub(own, wanted));
      return { sums: meanOverPositions(emit, each, maskFor(emit.dims(each), mask)) };
    }
    const axis = featureAxis(emit.dims(own));
    const sum = (x: string) => emit.reduceSum(x, [axis], false);
    const norms = emit.mul(sum(emit.square(own)), sum(emit.square(wanted)));
    const cosine = emit.div(sum(emit.mul(own, wanted)), emit.sqrt(emit.shift(norms, 1e-12)));
    return { sums: meanOverPositions(emit, emit.sub(emit.number(1), cosine), maskFor(emit.dims(own), mask)) };
  },
});

/** Only sequences, [batch, positions, features], have positions that may not count. */
const maskFor = (dims: readonly number[], mask: string | undefined) => (dims.length === 3 ? mask : undefined);
