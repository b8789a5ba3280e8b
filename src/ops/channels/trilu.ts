// A triangle of the last two axes: these stay, the others pass.

import { inputOf, keepAxes, leaveAll, outputOf, passAll } from "./passing.js";
import { defineChannelRule } from "./rule.js";

export const trilu = defineChannelRule({
  name: "trilu",
  summary: "Trilu: all but the last two axes pass",
  reference: "https://onnx.ai/onnx/operators/onnx__Trilu.html",
  operators: ["Trilu"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    const stays = (axis: number) => axis >= flow.dims(from).length - 2;
    passAll(flow, from, to, stays);
    for (const value of [from, to]) keepAxes(flow, value, stays, "Trilu keeps a triangle of it");
  },
  rests: (rests) => leaveAll(rests, inputOf(rests, 0), outputOf(rests, 0), (rest) => (rest === 0 ? 0 : undefined)),
});
