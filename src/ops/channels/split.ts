// Parts of a value along one axis: each has its own channels, the halves of a gated unit too.

import { intOf, ints } from "../../ir/attributes.js";
import { fromFront, inputOf, passAll } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";

export const split = defineChannelRule({
  name: "split",
  summary: "Split: each output has some of the channels; its sizes are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Split.html",
  operators: ["Split"],
  flow(flow) {
    const from = inputOf(flow, 0);
    const along = alongOf(flow);
    let offset = 0;
    for (const to of flow.node.outputs) {
      if (to === "") return flow.keep({ value: from, axis: along }, "an output of Split is left out");
      passAll(flow, from, to, (axis) => axis === along);
      const begin = offset;
      flow.place({ value: to, axis: along }, { value: from, axis: along }, (position) => begin + position);
      offset += flow.dims(to)[along]!;
    }
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const along = alongOf(cut);
    if (cut.kept({ value: inputOf(cut, 0), axis: along }) === undefined) return undefined;
    const sizes = cut.node.outputs.map((output) => cut.after(output)[along]!);
    const attributes = new Map(cut.node.attributes);
    attributes.delete("num_outputs");
    if (cut.opset < 13) return { ...cut.node, attributes: attributes.set("split", ints(sizes)) };
    const stated = cut.ints(`${inputOf(cut, 0)}_split`, sizes);
    return { ...cut.node, attributes, inputs: [inputOf(cut, 0), stated] };
  },
});

const alongOf = (split: ChannelNode) => fromFront(intOf(split.node, "axis", 0), split.dims(inputOf(split, 0)).length);
