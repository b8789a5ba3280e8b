// A value several times behind itself: copies of a channel stay or go together.

import { inputOf, outputOf, withInput } from "./passing.js";
import { defineChannelRule } from "./rule.js";
import { withEntries } from "./sizes.js";

export const tile = defineChannelRule({
  name: "tile",
  summary: "Tile: the copies of a channel stay or go together; repeats of single positions are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Tile.html",
  operators: ["Tile"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    for (const [axis, length] of flow.dims(from).entries()) {
      if (length === 1) flow.free({ value: to, axis });
      else flow.place({ value: to, axis }, { value: from, axis }, (position) => position % length);
    }
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const [from, repeats, to] = [inputOf(cut, 0), inputOf(cut, 1), outputOf(cut, 0)];
    const changed = new Map<number, number>();
    for (const [axis, size] of cut.after(to).entries()) {
      if (cut.dims(from)[axis] === 1 && cut.kept({ value: to, axis }) !== undefined) changed.set(axis, size);
    }
    const rewritten = withEntries(cut, repeats, changed);
    return rewritten.value === repeats ? undefined : [...rewritten.nodes, withInput(cut.node, 1, rewritten.value)];
  },
});
