// Division by the norm along one axis, to which channels at zero add nothing.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const lpNormalization = defineChannelRule({
  name: "lp-normalization",
  summary: "LpNormalization: channels pass, those along its axis where they hold zero",
  reference: "https://onnx.ai/onnx/operators/onnx__LpNormalization.html",
  operators: ["LpNormalization"],
  flow: (flow) => passAll(flow, inputOf(flow, 0), outputOf(flow, 0)),
  rests(rests) {
    const from = inputOf(rests, 0);
    const axis = fromFront(intOf(rests.node, "axis", -1), rests.dims(from).length);
    rests.sums({ value: from, axis }, "zero");
    // Across, a masked row is 0 divided by 0: not stated.
    const held = rests.rest({ value: from, axis });
    rests.leaves({ value: outputOf(rests, 0), axis }, held === 0 ? 0 : undefined);
  },
});
