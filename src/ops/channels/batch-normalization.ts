// A scale and a shift for each channel.

import { intOf } from "../../ir/attributes.js";
import { inputOf, keepAxes, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

const CHANNELS = 1;

export const batchNormalization = defineChannelRule({
  name: "batch-normalization",
  summary: "BatchNormalization: its vectors follow the channels, which it leaves at zero",
  reference: "https://onnx.ai/onnx/operators/onnx__BatchNormalization.html",
  operators: ["BatchNormalization"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const channels = { value: to, axis: CHANNELS };
    passAll(flow, from, to);
    for (const vector of flow.node.inputs.slice(1)) flow.tie({ value: vector, axis: 0 }, channels);
    for (const value of [from, to]) {
      if (flow.node.outputs.slice(1).some((name) => name !== "")) {
        flow.keep({ value, axis: CHANNELS }, "statistics of its channels leave the node in training mode");
      }
      // Before opset 9 every element could have numbers of its own.
      if (intOf(flow.node, "spatial", 1) === 0) {
        keepAxes(flow, value, (axis) => axis > 0, "BatchNormalization has numbers for every element");
      }
    }
  },
  rests(rests) {
    const to = { value: outputOf(rests, 0), axis: CHANNELS };
    const [scale, shift, mean] = [1, 2, 3].map((index) => rests.rest({ value: inputOf(rests, index), axis: 0 }));
    const held = rests.rest({ value: inputOf(rests, 0), axis: CHANNELS });
    // scale * (x - mean) / deviation + shift
    rests.leaves(to, scale === 0 || held === mean ? shift : undefined);
  },
});
