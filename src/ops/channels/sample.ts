// Pixels read at computed places: channels pass, places stay.

import { inputOf, keepAxes, outputOf } from "./passing.js";
import { defineChannelRule } from "./rule.js";

const CHANNELS = 1;

export const sample = defineChannelRule({
  name: "sample",
  summary: "GridSample, RoiAlign, MaxRoiPool: channels pass",
  reference: "https://onnx.ai/onnx/operators/onnx__GridSample.html",
  operators: ["GridSample", "com.microsoft:GridSample", "RoiAlign", "MaxRoiPool"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    flow.tie({ value: from, axis: CHANNELS }, { value: to, axis: CHANNELS });
    for (const value of new Set([...flow.node.inputs, to])) {
      const passes = (axis: number) => axis === CHANNELS && (value === from || value === to);
      keepAxes(flow, value, (axis) => !passes(axis), `${flow.node.opType} reads at computed places`);
    }
  },
  // Outside of the border is 0.
  rests(rests) {
    const held = rests.rest({ value: inputOf(rests, 0), axis: CHANNELS });
    rests.leaves({ value: outputOf(rests, 0), axis: CHANNELS }, held === 0 ? 0 : undefined);
  },
});
