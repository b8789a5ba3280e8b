// Network slimming (Liu et al. 2017): |gamma| of the batch normalisation of a channel; sums where a group has several.

import { defineScore } from "./score.js";

export const bnScale = defineScore({
  name: "bn-scale",
  summary: "Scale of the batch normalisation of a channel, |gamma|; after training with a penalty on it, mostly",
  reference: "https://arxiv.org/abs/1708.06519",
  needs: [],
  lacking: "it has no batch normalisation",
  async unit({ group, model, vector }) {
    const scales = new Set(
      model.graph.nodes.flatMap(({ opType, inputs }) => (opType === "BatchNormalization" ? [inputs[1]!] : [])),
    );
    const places = group.places.filter(({ constant, value }) => constant && scales.has(value));
    if (places.length === 0) return undefined;
    const found = new Float64Array(group.units);
    for (const { value, positions, perUnit } of places) {
      const gamma = await vector(value);
      for (const [at, position] of positions.entries()) {
        const unit = Math.floor(at / perUnit);
        found[unit] = found[unit]! + Math.abs(gamma[position]!);
      }
    }
    return found;
  },
});
