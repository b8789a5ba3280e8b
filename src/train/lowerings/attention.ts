// Attention of the default domain (opset 23): grouped heads, masks, causal, soft cap, cached keys and values.

import { floatOf, intOf } from "../../ir/attributes.js";
import { attend, joinHeads, refused, splitHeads } from "./attend.js";
import { defineLowering } from "./lowering.js";

export const attention = defineLowering({
  name: "attention",
  summary: "Attention as products and a softmax",
  reference: "https://onnx.ai/onnx/operators/onnx__Attention.html",
  operators: ["Attention"],
  lower({ node, emit, input, wants }) {
    if (input(6) !== "") throw refused(node, "lengths of keys that are not padding (nonpad_kv_seqlen)");
    const flat = emit.rank(input(0)) === 3;
    const heads = (at: number, attribute: string) =>
      flat ? splitHeads(emit, input(at), intOf(node, attribute, 1)) : input(at);
    const query = heads(0, "q_num_heads");
    const joined = (past: number, now: string) => (input(past) === "" ? now : emit.concat([input(past), now], 2));
    const key = joined(4, heads(1, "kv_num_heads"));
    const value = joined(5, heads(2, "kv_num_heads"));
    const mask = input(3);
    const size = emit.dims(query)[3]!;
    const past = input(4) === "" ? 0 : emit.dims(input(4))[2]!;
    const { output, stages } = attend(emit, {
      query,
      key,
      value,
      scale: floatOf(node, "scale", 1 / Math.sqrt(size)),
      bias: mask === "" ? [] : [emit.dtype(mask) === "bool" ? additive(mask) : mask],
      causal: intOf(node, "is_causal", 0) === 0 ? undefined : past,
      softcap: floatOf(node, "softcap", 0),
    });
    return [
      flat ? joinHeads(emit, output) : output,
      key,
      value,
      wants(3) ? stages[intOf(node, "qk_matmul_output_mode", 0)] : undefined,
    ];

    function additive(seen: string): string {
      const zero = emit.like(0, query);
      return emit.where(seen, zero, emit.like(-1e30, query));
    }
  },
});
