// com.microsoft MultiHeadAttention: queries, keys and values are made outside, each [batch, length, hidden].

import { floatOf, intOf } from "../../ir/attributes.js";
import { attend, joinHeads, keyMask, refused, splitHeads } from "./attend.js";
import { defineLowering } from "./lowering.js";

export const multiHeadAttention = defineLowering({
  name: "multi-head-attention",
  summary: "MultiHeadAttention of com.microsoft as products and a softmax",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.MultiHeadAttention",
  operators: ["com.microsoft:MultiHeadAttention"],
  lower({ node, emit, input, wants }) {
    const [x, keys, values, bias, mask, added] = [0, 1, 2, 3, 4, 5].map(input) as [
      string,
      string,
      string,
      string,
      string,
      string,
    ];
    if (emit.rank(x) !== 3 || keys === "" || values === "") throw refused(node, "packed queries, keys and values");
    if (input(8) !== "" || input(9) !== "") throw refused(node, "a buffer shared by past and present");
    if (wants(3)) throw refused(node, "its scores as an output");
    const heads = intOf(node, "num_heads", 1);
    const batch = emit.dims(x)[0]!;
    const hidden = emit.dims(x)[2]!;
    // Keys and values of another model's encoder come in heads already, with their biases in them.
    const split = (name: string, begin: number, width: number) => {
      if (emit.rank(name) === 4) return name;
      const part = bias === "" ? undefined : emit.slice(bias, [0], [begin], [begin + width]);
      return splitHeads(emit, part === undefined ? name : emit.add(name, part), heads);
    };
    const query = split(x, 0, hidden);
    const joined = (past: number, now: string) => (input(past) === "" ? now : emit.concat([input(past), now], 2));
    const key = joined(6, split(keys, hidden, hidden));
    const value = joined(7, split(values, 2 * hidden, emit.dims(values).at(-1)!));
    const total = emit.dims(key)[2]!;
    const filter = floatOf(node, "mask_filter_value", -10000);
    const past = input(6) === "" ? 0 : emit.dims(input(6))[2]!;
    const { output } = attend(emit, {
      query,
      key,
      value,
      scale: floatOf(node, "scale", 0) || 1 / Math.sqrt(hidden / heads),
      bias: [
        ...(mask === "" ? [] : [keyMask(emit, mask, batch, total, filter, x, node)]),
        ...(added === "" ? [] : [added]),
      ],
      causal: intOf(node, "unidirectional", 0) === 0 ? undefined : past,
    });
    return [joinHeads(emit, output), key, value];
  },
});
