// One number everywhere: any axis can be cut, its size is rewritten.

import { inputOf, outputOf, withInput } from "./passing.js";
import { type ChannelNode, defineChannelRule, type Rest } from "./rule.js";
import { type Scaling, withEntries, withScaling } from "./sizes.js";

export const constantOfShape = defineChannelRule({
  name: "constant-of-shape",
  summary: "ConstantOfShape: free along every axis; its sizes are rewritten",
  reference: "https://onnx.ai/onnx/operators/onnx__ConstantOfShape.html",
  operators: ["ConstantOfShape"],
  flow(flow) {
    const to = outputOf(flow, 0);
    for (const axis of flow.dims(to).keys()) flow.free({ value: to, axis });
  },
  rests(rests) {
    const to = outputOf(rests, 0);
    for (const axis of rests.dims(to).keys()) rests.leaves({ value: to, axis }, filledWith(rests));
  },
  cut(cut) {
    const [sizes, to] = [inputOf(cut, 0), outputOf(cut, 0)];
    const [before, after] = [cut.dims(to), cut.after(to)];
    const cutAxes = [...after.keys()].filter((axis) => before[axis] !== after[axis]);
    const rewritten =
      cut.numbers(sizes) === undefined
        ? withScaling(
            cut,
            sizes,
            new Map(cutAxes.map((axis): [number, Scaling] => [axis, { before: before[axis]!, after: after[axis]! }])),
            cut.dims(sizes),
            true,
          )
        : withEntries(cut, sizes, new Map(cutAxes.map((axis) => [axis, after[axis]!])));
    return rewritten.value === sizes ? undefined : [...rewritten.nodes, withInput(cut.node, 0, rewritten.value)];
  },
});

function filledWith({ node }: ChannelNode): Rest {
  const value = node.attributes.get("value");
  if (value?.type !== "tensor") return 0;
  const bytes = value.value.data.bytes;
  if (bytes === undefined) return undefined;
  if (bytes.every((byte) => byte === 0)) return 0;
  if (value.value.dtype !== "float32") return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
}
