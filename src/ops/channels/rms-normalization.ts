// Division by the root of the mean of squares over the last axes. Channels at zero add nothing to the sum, so that cutting
// them is exact with another epsilon and scale: with n of N channels left,
//     x / sqrt(S/N + e) = sqrt(N/n) * x / sqrt(S/n + e*N/n),   S the sum of squares.

import { float, floatOf, intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAll, outputOf, withInput } from "./passing.js";
import { type ChannelNode, type Cut, defineChannelRule } from "./rule.js";
import { isFloatVector, pickedAndScaled } from "./scaled-vector.js";

export const rmsNormalization = defineChannelRule({
  name: "rms-normalization",
  summary: "RMSNormalization and fused kin: channels at zero go, scale and epsilon are corrected",
  reference: "https://onnx.ai/onnx/operators/onnx__RMSNormalization.html",
  operators: [
    "RMSNormalization",
    "SimplifiedLayerNormalization",
    "com.microsoft:SimplifiedLayerNormalization",
    "com.microsoft:SkipSimplifiedLayerNormalization",
  ],
  flow(flow) {
    const layout = layoutOf(flow);
    const rank = layout.rank;
    const to = outputOf(flow, 0);
    if (!flow.isFoldable(layout.scale)) return keepAll(flow, "the scale of the normalisation is computed");
    for (const value of [...layout.summed, layout.scale, layout.bias, ...flow.node.outputs.slice(1)]) {
      if (value === "") continue;
      const offset = flow.dims(value).length - rank;
      for (const [axis, size] of flow.dims(value).entries()) {
        if (size > 1) flow.tie({ value, axis }, { value: to, axis: axis - offset });
      }
    }
  },
  rests(rests) {
    const layout = layoutOf(rests);
    for (let axis = layout.first; axis < layout.rank; axis++) {
      for (const value of layout.summed) {
        const own = axis + rests.dims(value).length - layout.rank;
        if (own >= 0) rests.sums({ value, axis: own }, "zero");
      }
    }
    for (let axis = 0; axis < layout.rank; axis++) {
      const held = layout.summed.map((value) =>
        rests.rest({ value, axis: axis + rests.dims(value).length - layout.rank }),
      );
      // Along the axes before, a fused bias differs from element to element.
      const zero = held.every((rest) => rest === 0) && (layout.bias === "" || axis >= layout.first);
      for (const value of [outputOf(rests, 0), layout.sum]) {
        if (value !== "") rests.leaves({ value, axis }, zero ? 0 : undefined);
      }
    }
  },
  cut(cut) {
    const layout = layoutOf(cut);
    const ratio = normalisedRatio(cut, layout.first);
    if (ratio === 1) return undefined;
    const weight = cut.weight(layout.scale);
    // Never where the flow above found a constant scale of floats.
    if (weight === undefined || !isFloatVector(weight)) return undefined;
    const kept = weight.dims.map((_, axis) => cut.kept({ value: layout.scale, axis }));
    const scale = cut.constant(layout.scale, pickedAndScaled(weight, kept, Math.sqrt(ratio)));
    const epsilon = float(floatOf(cut.node, "epsilon", layout.epsilon) * ratio);
    const node = withInput(cut.node, layout.scaleAt, scale);
    return { ...node, attributes: new Map(node.attributes).set("epsilon", epsilon) };
  },
});

/** Which input is what. */
function layoutOf(node: ChannelNode) {
  const rank = node.dims(inputOf(node, 0)).length;
  if (node.node.opType === "SkipSimplifiedLayerNormalization") {
    return {
      rank,
      first: rank - 1,
      summed: [inputOf(node, 0), inputOf(node, 1)],
      scale: inputOf(node, 2),
      scaleAt: 2,
      bias: inputOf(node, 3),
      sum: outputOf(node, 3),
      epsilon: 1e-12,
    };
  }
  return {
    rank,
    first: fromFront(intOf(node.node, "axis", -1), rank),
    summed: [inputOf(node, 0)],
    scale: inputOf(node, 1),
    scaleAt: 1,
    bias: "",
    sum: "",
    epsilon: 1e-5,
  };
}

/** Elements that the mean was over, by those it is over now. */
function normalisedRatio(cut: Cut, first: number): number {
  const from = inputOf(cut, 0);
  const after = cut.after(from);
  return cut.dims(from).reduce((ratio, size, axis) => (axis < first ? ratio : (ratio * size) / after[axis]!), 1);
}
