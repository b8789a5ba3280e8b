// Rotary positions: pairs of positions within each head are turned.

import { intOf } from "../../ir/attributes.js";
import { type ChannelNode, defineChannelRule } from "./rule.js";
import { withCount } from "./with-count.js";

export const rotaryEmbedding = defineChannelRule({
  name: "rotary-embedding",
  summary: "Rotates the positions of every head",
  reference: "https://onnx.ai/onnx/operators/onnx__RotaryEmbedding.html",
  operators: ["RotaryEmbedding", "com.microsoft:RotaryEmbedding"],
  flow(flow) {
    const { x, y, heads, axis } = rotary(flow);
    flow.tie({ value: x, axis }, { value: y, axis });
    const head = flow.dims(x)[axis]! / heads;
    flow.bundle({ value: x, axis }, (at) => Math.floor(at / head));
  },
  rests: (rests) => rests.carries(),
  cut(cut) {
    const { x, heads, axis } = rotary(cut);
    if (intOf(cut.node, "num_heads", 0) === 0 || axis === 1) return undefined;
    return withCount(cut.node, "num_heads", (heads * cut.after(x)[axis]!) / cut.dims(x)[axis]!);
  },
});

function rotary({ node, dims }: ChannelNode) {
  const x = node.inputs[0]!;
  const axis = dims(x).length === 4 ? 1 : 2;
  const caches = node.inputs.slice(1).filter((value) => value !== "" && dims(value).length >= 2);
  const half = dims(caches.at(-1) ?? x).at(-1)!;
  const stated = intOf(node, "num_heads", 0);
  const heads = axis === 1 ? dims(x)[1]! : stated > 0 ? stated : dims(x)[2]! / (2 * half);
  return { x, y: node.outputs[0]!, heads, axis };
}
