// Where the student looks is drawn to where the teacher looks: attention of transformers, or the energy of convolution maps.

import { z } from "zod";
import { comparable, rows, unit } from "../features.js";
import { defineTeacherLoss, meanOverPositions, type TeacherFit, unfit } from "../teacher-loss.js";

type Options = { readonly kind: "energy" | "probabilities" };

export const attention = defineTeacherLoss({
  name: "attention",
  summary: "Difference of attention: probabilities of transformers, or where convolution maps are large",
  reference: "https://arxiv.org/abs/1612.03928, https://arxiv.org/abs/1909.10351",
  options: z.object({
    kind: z
      .enum(["energy", "probabilities"])
      .default("energy")
      .describe(
        "energy: squares of maps [batch, channels, height, width], summed over channels, each map of length 1; probabilities: of [batch, heads, queries, keys], the mean over heads where their number differs",
      ),
  }),
  on: "inner",
  check(fit: TeacherFit<Options>) {
    const { student, teacher, names, options } = fit;
    if (student.dims.length !== 4) throw unfit(names, "values of four dimensions", `[${student.dims}]`);
    if (options.kind === "energy") comparable(fit);
    else if (String(student.dims.slice(2)) !== String(teacher.dims.slice(2))) {
      throw unfit(names, `[batch, heads, ${teacher.dims.slice(2)}], as the teacher's`, `[${student.dims}]`);
    }
  },
  write(site) {
    const { emit, value, target, student, teacher, mask, options } = site;
    if (options.kind === "energy") {
      const [own, wanted] = [value, target].map((map) => emit.reduceMean(emit.square(map), [1], true)) as [
        string,
        string,
      ];
      const sizes = [2, 3].map((axis) => Math.min(student.dims[axis]!, teacher.dims[axis]!));
      const maps = [own, wanted].map((map) => unit(emit, rows(emit, shrunk(emit, map, sizes)))) as [string, string];
      return { sums: emit.reduceSquares(emit.sub(maps[0], maps[1]), [1], false) };
    }
    const alike = student.dims[1] === teacher.dims[1];
    const [own, wanted] = [value, target].map((map) => (alike ? map : emit.reduceMean(map, [1], true))) as [
      string,
      string,
    ];
    // [batch, queries, heads, keys]: queries that are padding do not count.
    const each = emit.transpose(emit.square(emit.sub(own, wanted)), [0, 2, 1, 3]);
    return { sums: meanOverPositions(emit, each, mask) };
  },
});

function shrunk(emit: TeacherSiteEmitter, map: string, [height, width]: readonly number[]): string {
  const [batch, channels, h, w] = emit.dims(map) as [number, number, number, number];
  const window = [h / height!, w / width!];
  if (window.every((size) => size === 1)) return map;
  const attributes = { kernel_shape: window, strides: window };
  return emit.op("AveragePool", [map], { dims: [batch, channels, height!, width!], attributes });
}

type TeacherSiteEmitter = Parameters<typeof meanOverPositions>[0];
