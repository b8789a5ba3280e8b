// The largest along one axis: that axis stays, all others pass.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes, leaveAll, outputOf, passAll } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const topK = defineChannelRule({
  name: "top-k",
  summary: "TopK: all axes but the sorted one pass",
  reference: "https://onnx.ai/onnx/operators/onnx__TopK.html",
  operators: ["TopK"],
  flow(flow) {
    const from = inputOf(flow, 0);
    const sorted = sortedAxis(flow);
    keepAxes(flow, from, (axis) => axis === sorted, "TopK compares positions along it");
    for (const to of flow.node.outputs) {
      if (to === "") continue;
      passAll(flow, from, to, (axis) => axis === sorted);
      keepAxes(flow, to, (axis) => axis === sorted, "TopK compares positions along it");
    }
  },
  // The values only: which of equal numbers is first is left to the runtime.
  rests(rests) {
    const sorted = sortedAxis(rests);
    const [from, to] = [inputOf(rests, 0), outputOf(rests, 0)];
    if (to !== "") leaveAll(rests, from, to, (rest, { axis }) => (axis === sorted ? undefined : rest));
  },
});

const sortedAxis = (node: ChannelNode) => fromFront(intOf(node.node, "axis", -1), node.dims(inputOf(node, 0)).length);
