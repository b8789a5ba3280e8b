// Groups of channels to mean 0 and deviation 1: a group goes whole, since its statistics are of all its channels.

import { int, intOf } from "../../ir/attributes.js";
import { inputOf, keepAxes, outputOf } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

const CHANNELS = 1;

export const groupNormalization = defineChannelRule({
  name: "group-normalization",
  summary: "GroupNormalization: whole groups go, their number is rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__GroupNormalization.html",
  operators: ["GroupNormalization"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const size = groupSize(flow);
    for (const axis of [0, CHANNELS]) flow.tie({ value: from, axis }, { value: to, axis });
    flow.bundle({ value: to, axis: CHANNELS }, (channel) => Math.floor(channel / size));
    for (const index of [1, 2]) {
      const vector = { value: inputOf(flow, index), axis: 0 };
      // Before opset 21 scale and shift are of groups.
      flow.place({ value: to, axis: CHANNELS }, vector, (channel) =>
        flow.opset < 21 ? Math.floor(channel / size) : channel,
      );
    }
    for (const value of [from, to]) {
      keepAxes(flow, value, (axis) => axis > CHANNELS, "GroupNormalization takes statistics along it");
    }
  },
  rests(rests) {
    const [scale, shift] = [1, 2].map((index) => rests.rest({ value: inputOf(rests, index), axis: 0 }));
    const held = rests.rest({ value: inputOf(rests, 0), axis: CHANNELS });
    rests.leaves({ value: outputOf(rests, 0), axis: CHANNELS }, scale === 0 || held === 0 ? shift : undefined);
  },
  cut(cut) {
    const left = cut.after(inputOf(cut, 0))[CHANNELS]! / groupSize(cut);
    return { ...cut.node, attributes: new Map(cut.node.attributes).set("num_groups", int(left)) };
  },
});

const groupSize = (node: ChannelNode) => node.dims(inputOf(node, 0))[CHANNELS]! / intOf(node.node, "num_groups", 1);
