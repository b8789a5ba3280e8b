// Network slimming (Liu et al. 2017): |gamma| of the batch normalisation of a channel; sums where a group has several.

import type { Model } from "../../ir/model.js";
import type { Group, Place } from "../group/group.js";
import { defineScore } from "./score.js";

export const bnScale = defineScore({
  name: "bn-scale",
  summary: "Scale of the batch normalisation of a channel, |gamma|; after training with a penalty on it, mostly",
  reference: "https://arxiv.org/abs/1708.06519",
  needs: [],
  lacking: "it has no batch normalisation",
  fits: (group, model) => scalesOf(group, model).length > 0,
  async unit({ group, model, vector }) {
    const found = new Float64Array(group.units);
    for (const { value, positions, perUnit } of scalesOf(group, model)) {
      const gamma = await vector(value);
      for (const [at, position] of positions.entries()) {
        const unit = Math.floor(at / perUnit);
        found[unit] = found[unit]! + Math.abs(gamma[position]!);
      }
    }
    return found;
  },
});

function scalesOf({ places }: Group, { graph }: Model): readonly Place[] {
  const scales = new Set(
    graph.nodes.flatMap(({ opType, inputs }) => (opType === "BatchNormalization" ? [inputs[1]!] : [])),
  );
  return places.filter(({ constant, value }) => constant && scales.has(value));
}
