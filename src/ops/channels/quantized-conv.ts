// Convolutions of codes, with the groups of plain ones.

import { int, intOf } from "../../ir/attributes.js";
import { type Operands, operandsOf, tieGrid } from "./codes.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

const CONVS: Readonly<Record<string, Operands>> = {
  QLinearConv: { x: 0, w: 3, grids: [4, 5], bias: 8, results: [6, 7] },
  ConvInteger: { x: 0, w: 1, grids: [3], results: [] },
};

export const quantizedConv = defineChannelRule({
  name: "quantized-conv",
  summary: "Convolution of codes",
  reference: "https://onnx.ai/onnx/operators/onnx__QLinearConv.html",
  operators: Object.keys(CONVS),
  flow(flow) {
    const { x, w, y, grids, bias, rest } = operandsOf(flow, CONVS);
    const { groups, inputs, outputs } = groupsOf(flow, x, w, y);
    flow.tie({ value: x, axis: 0 }, { value: y, axis: 0 });
    flow.tag({ value: y, axis: 1 }, "filter");
    flow.tie({ value: w, axis: 0 }, { value: y, axis: 1 });
    if (bias) flow.tie({ value: bias, axis: 0 }, { value: y, axis: 1 });
    tieGrid(flow, { value: w, axis: 0 }, ...grids);
    if (inputs === 1 && groups > 1) {
      flow.place({ value: y, axis: 1 }, { value: x, axis: 1 }, (output) => Math.floor(output / outputs));
    } else {
      flow.place({ value: x, axis: 1 }, { value: w, axis: 1 }, (channel) => channel % inputs);
      if (groups > 1) flow.bundle({ value: y, axis: 1 }, (output) => output % outputs);
    }
    for (const value of rest) for (const axis of flow.dims(value).keys()) flow.free({ value, axis });
  },
  rests(rests) {
    const { x, w, y, bias } = operandsOf(rests, CONVS);
    const { groups, inputs } = groupsOf(rests, x, w, y);
    if (inputs > 1 || groups === 1) rests.sums({ value: x, axis: 1 }, "zero");
    rests.leaves({ value: y, axis: 1 }, rests.isFixed(w) && (!bias || rests.isFixed(bias)) ? 0 : undefined);
  },
  cut(cut) {
    const { x, w, y } = operandsOf(cut, CONVS);
    const { groups, inputs } = groupsOf(cut, x, w, y);
    if (groups === 1 || inputs > 1) return undefined;
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("group", int(cut.after(x)[1]!)) };
  },
});

function groupsOf(node: ChannelNode, x: string, w: string, y: string) {
  const groups = intOf(node.node, "group", 1);
  return { groups, inputs: node.dims(x)[1]! / groups, outputs: node.dims(y)[1]! / groups, w };
}
