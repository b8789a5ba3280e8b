// The same numbers along new or longer axes: those can be cut freely, the others pass.

import { inputOf, outputOf, withInput } from "./passing.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";
import { withEntries } from "./sizes.js";

export const expand = defineChannelRule({
  name: "expand",
  summary: "Expand: channels pass, broadcast axes are free; its sizes are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__Expand.html",
  operators: ["Expand"],
  flow(flow) {
    const [from, to] = [inputOf(flow, 0), outputOf(flow, 0)];
    for (const axis of flow.dims(to).keys()) {
      const source = sourceOf(flow, axis);
      if (source === undefined) flow.free({ value: to, axis });
      else flow.tie({ value: from, axis: source }, { value: to, axis });
    }
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const [sizes, to] = [inputOf(cut, 1), outputOf(cut, 0)];
    const begin = cut.dims(to).length - cut.dims(sizes)[0]!;
    const changed = new Map<number, number>();
    for (const [axis, size] of cut.after(to).entries()) {
      if (axis < begin || cut.kept({ value: to, axis }) === undefined) continue;
      // 1 asks for the input's own length, whatever that is.
      changed.set(axis - begin, sourceOf(cut, axis) === undefined ? size : 1);
    }
    const rewritten = withEntries(cut, sizes, changed);
    return rewritten.value === sizes ? undefined : [...rewritten.nodes, withInput(cut.node, 1, rewritten.value)];
  },
});

/** The input axis that this output axis is; undefined where it is broadcast. */
function sourceOf(node: ChannelNode, axis: number): number | undefined {
  const [from, to] = [node.dims(inputOf(node, 0)), node.dims(outputOf(node, 0))];
  const source = axis - (to.length - from.length);
  return source >= 0 && from[source] === to[axis] ? source : undefined;
}
