// com.microsoft Attention: one product makes queries, keys and values.

import { floatOf, intOf, intsOf } from "../../ir/attributes.js";
import { attend, joinHeads, keyMask, refused, splitHeads } from "./attend.js";
import { defineLowering } from "./lowering.js";

export const packedAttention = defineLowering({
  name: "packed-attention",
  summary: "Attention of com.microsoft as products and a softmax",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.Attention",
  operators: ["com.microsoft:Attention"],
  lower({ node, emit, input, wants }) {
    if (intOf(node, "do_rotary", 0) !== 0) throw refused(node, "rotary positions inside");
    if (input(6) !== "") throw refused(node, "a buffer shared by past and present");
    const [x, weight, bias, mask, past, added] = [0, 1, 2, 3, 4, 5].map(input) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    const [batch, length] = emit.dims(x) as [number, number, number];
    const width = emit.dims(weight)[1]!;
    const sizes = intsOf(node, "qkv_hidden_sizes") ?? [width / 3, width / 3, width / 3];
    const heads = intOf(node, "num_heads", 1);
    const product = emit.matmul(x, weight);
    const all = bias === "" ? product : emit.add(product, bias);
    const parts = emit
      .ops(
        "Split",
        [all, emit.ints(sizes)],
        sizes.map((size) => ({ dtype: emit.dtype(all), dims: [batch, length, size] })),
        { attributes: { axis: 2 } },
      )
      .map((part) => splitHeads(emit, part, heads));
    const query = parts[0]!;
    let [key, value] = [parts[1]!, parts[2]!];
    let before = 0;
    if (past !== "") {
      const dims = emit.dims(past).slice(1);
      before = dims[2]!;
      const cached = (at: number) => emit.reshape(emit.slice(past, [0], [at], [at + 1]), dims);
      key = emit.concat([cached(0), key], 2);
      value = emit.concat([cached(1), value], 2);
    }
    const total = before + length;
    const filter = floatOf(node, "mask_filter_value", -10000);
    const { output } = attend(emit, {
      query,
      key,
      value,
      scale: floatOf(node, "scale", 0) || 1 / Math.sqrt(sizes[0]! / heads),
      bias: [
        ...(mask === "" ? [] : [keyMask(emit, mask, batch, total, filter, x, node)]),
        ...(added === "" ? [] : [added]),
      ],
      causal: intOf(node, "unidirectional", 0) === 0 ? undefined : before,
    });
    const stacked = (one: string) => emit.unsqueeze(one, 0);
    return [joinHeads(emit, output), wants(1) ? emit.concat([stacked(key), stacked(value)], 0) : undefined];
  },
});
