// Values behind each other along one axis: each keeps its own channels, further back in the result.

import { intOf } from "../../ir/attributes.js";
import { fromFront, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const concat = defineChannelRule({
  name: "concat",
  summary: "Concat: the channels of each input at an offset",
  reference: "https://onnx.ai/onnx/operators/onnx__Concat.html",
  operators: ["Concat"],
  flow(flow) {
    const to = outputOf(flow, 0);
    const along = fromFront(intOf(flow.node, "axis", 1), flow.dims(to).length);
    let offset = 0;
    for (const from of flow.node.inputs) {
      passAll(flow, from, to, (axis) => axis === along);
      const begin = offset;
      flow.place({ value: from, axis: along }, { value: to, axis: along }, (position) => begin + position);
      offset += flow.dims(from)[along]!;
    }
  },
  rests: (rests) => rests.carries(),
});
