// Elements written by index along one axis: that axis stays, the others pass where everything is as long.

import { intOf } from "../../ir/attributes.js";
import { fromFront, inputOf, keepAxes, outputOf } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const scatterElements = defineChannelRule({
  name: "scatter-elements",
  summary: "ScatterElements: the axes across pass",
  reference: "https://onnx.ai/onnx/operators/onnx__ScatterElements.html",
  operators: ["ScatterElements", "Scatter"],
  flow(flow) {
    const [data, indices, updates, to] = [inputOf(flow, 0), inputOf(flow, 1), inputOf(flow, 2), outputOf(flow, 0)];
    const along = alongOf(flow);
    for (const value of [data, indices, updates, to]) {
      keepAxes(flow, value, (axis) => axis === along, "elements are written along it by index");
    }
    for (const axis of flow.dims(data).keys()) {
      if (axis === along) continue;
      for (const value of [data, updates]) flow.tie({ value, axis }, { value: to, axis });
      if (flow.isFixed(indices)) flow.keep({ value: to, axis }, `${flow.node.opType} has constant indices for it`);
      else flow.tie({ value: indices, axis }, { value: to, axis });
    }
  },
  rests(rests) {
    const [data, updates, to] = [inputOf(rests, 0), inputOf(rests, 2), outputOf(rests, 0)];
    const plain = (rests.node.attributes.get("reduction") ?? undefined) === undefined;
    for (const axis of rests.dims(to).keys()) {
      const rest = rests.rest({ value: data, axis });
      // With a reduction only 0 is sure to stay what it is.
      const same = rest === rests.rest({ value: updates, axis }) && (plain || rest === 0);
      if (axis !== alongOf(rests)) rests.leaves({ value: to, axis }, same ? rest : undefined);
    }
  },
});

const alongOf = (node: ChannelNode) => fromFront(intOf(node.node, "axis", 0), node.dims(inputOf(node, 0)).length);
