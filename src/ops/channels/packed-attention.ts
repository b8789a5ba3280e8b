// Attention that projects its input by one weight: queries, keys and values side by side.

import { intOf } from "../../ir/attributes.js";
import { type Axis, defineChannelRule, type Flow } from "./rule.js";
import { withCount } from "./with-count.js";

export const packedAttention = defineChannelRule({
  name: "packed-attention",
  summary: "Attention that projects its input itself",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention",
  operators: ["com.microsoft:Attention"],
  flow(flow) {
    const { node } = flow;
    const [x, w, bias, , past, scores] = node.inputs;
    const [y, present] = node.outputs;
    const heads = intOf(node, "num_heads", 1);
    const size = flow.dims(w!)[1]! / 3;
    if (past || node.attributes.has("qkv_hidden_sizes") || flow.dims(y!)[2] !== size) {
      return keepAll(flow, "its Attention has a past, or values of another width");
    }
    const head = size / heads;
    const out = { value: y!, axis: 2 };
    flow.tie({ value: x!, axis: 2 }, { value: w!, axis: 0 });
    flow.bundle(out, (at) => Math.floor(at / head));
    flow.place({ value: w!, axis: 1 }, out, (at) => at % size);
    if (bias) flow.place({ value: bias, axis: 0 }, out, (at) => at % size);
    placeHeads(flow, scores, out, heads, head, 1);
    if (present) flow.place({ value: present, axis: 2 }, out, (at) => at * head);
    flow.tag(out, "head");
  },
  rests(rests) {
    const [x, w] = rests.node.inputs;
    rests.sums({ value: x!, axis: 2 }, "zero");
    rests.leaves({ value: rests.node.outputs[0]!, axis: 2 }, rests.isFixed(w!) ? 0 : undefined);
  },
  cut(cut) {
    const [before, after] = [cut.dims(cut.node.outputs[0]!)[2]!, cut.after(cut.node.outputs[0]!)[2]!];
    return withCount(cut.node, "num_heads", (intOf(cut.node, "num_heads", 1) * after) / before);
  },
});

/** A mask or bias of scores with an axis of its own for heads. */
function placeHeads(flow: Flow, value: string | undefined, out: Axis, heads: number, head: number, axis: number): void {
  if (!value) return;
  const at = flow.dims(value).length - 4 + axis;
  if (at >= 0 && flow.dims(value)[at] === heads) flow.place({ value, axis: at }, out, (index) => index * head);
  else if (at >= 0) flow.free({ value, axis: at });
}

function keepAll(flow: Flow, reason: string): void {
  for (const value of [...flow.node.inputs, ...flow.node.outputs]) if (value !== "") flow.keep(value, reason);
}
