// Transposed convolution: weight [C, M / groups, ...kernel], channels of the input first.

import { int, intOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const convTranspose = defineChannelRule({
  name: "conv-transpose",
  summary: "Transposed convolution, also in groups and depthwise",
  reference: "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html",
  operators: ["ConvTranspose"],
  flow(flow) {
    const { x, w, b, y } = names(flow.node);
    const { groups, inputs, outputs } = layout(flow);
    flow.tie({ value: x, axis: 0 }, { value: y, axis: 0 });
    flow.tie({ value: x, axis: 1 }, { value: w, axis: 0 });
    flow.tag({ value: y, axis: 1 }, "filter");
    flow.tag({ value: x, axis: 1 }, "filter");
    if (b) flow.tie({ value: b, axis: 0 }, { value: y, axis: 1 });
    if (inputs === 1 && groups > 1) {
      flow.place({ value: y, axis: 1 }, { value: x, axis: 1 }, (output) => Math.floor(output / outputs));
      flow.keep({ value: w, axis: 1 }, "every channel of a depthwise convolution has all of it");
    } else {
      // The same channels of each group, so that groups stay equal.
      flow.place({ value: y, axis: 1 }, { value: w, axis: 1 }, (output) => output % outputs);
      if (outputs === 1) flow.bundle({ value: y, axis: 1 }, () => 0);
      flow.bundle({ value: x, axis: 1 }, (channel) => channel % inputs);
    }
    for (let axis = 2; axis < flow.dims(x).length; axis++) {
      for (const value of [x, w, y]) flow.keep({ value, axis }, "a convolution slides along it");
    }
  },
  rests(rests) {
    const { x, w, b, y } = names(rests.node);
    const { groups, inputs } = layout(rests);
    const unbiased = !b || rests.isFixed(b) || rests.rest({ value: b, axis: 0 }) === 0;
    if (inputs === 1 && groups > 1) {
      rests.leaves({ value: y, axis: 1 }, unbiased && rests.rest({ value: x, axis: 1 }) === 0 ? 0 : undefined);
      return;
    }
    rests.sums({ value: x, axis: 1 }, "zero");
    rests.leaves({ value: y, axis: 1 }, unbiased && rests.isFixed(w) ? 0 : undefined);
  },
  cut(cut) {
    const { groups, inputs } = layout(cut);
    if (groups === 1 || inputs > 1) return undefined;
    const left = int(cut.after(cut.node.inputs[0]!)[1]!);
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("group", left) };
  },
});

const names = ({ inputs, outputs }: Node) => ({ x: inputs[0]!, w: inputs[1]!, b: inputs[2] ?? "", y: outputs[0]! });

function layout(node: ChannelNode) {
  const { x, w } = names(node.node);
  const groups = intOf(node.node, "group", 1);
  return { groups, inputs: node.dims(x)[1]! / groups, outputs: node.dims(w)[1]! };
}
