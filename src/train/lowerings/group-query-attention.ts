// com.microsoft GroupQueryAttention over whole sequences: causal, several queries a key, rotary positions inside. What
// generates token by token (a filled cache) is not for training.

import { floatOf, intOf } from "../../ir/attributes.js";
import { float32 } from "../../tensor/tensor.js";
import { attend, joinHeads, refused, splitHeads } from "./attend.js";
import { defineLowering, type LoweringSite } from "./lowering.js";
import { rotate } from "./rotate.js";

export const groupQueryAttention = defineLowering({
  name: "group-query-attention",
  summary: "GroupQueryAttention of whole sequences as products and a softmax",
  reference:
    "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#com.microsoft.GroupQueryAttention",
  operators: ["com.microsoft:GroupQueryAttention"],
  lower(site) {
    const { node, emit, input } = site;
    const past = input(3) === "" ? 0 : emit.dims(input(3))[2]!;
    if (past > 0) throw refused(node, "a filled cache of keys and values");
    if (intOf(node, "smooth_softmax", 0) > 0 || input(11) !== "") throw refused(node, "a smooth softmax");
    const heads = intOf(node, "num_heads", 1);
    const groups = intOf(node, "kv_num_heads", heads);
    const [q, k, v] = projections(site, heads, groups);
    const size = emit.dims(q)[3]!;
    const length = emit.dims(q)[2]!;
    const turned = (x: string) => (intOf(node, "do_rotary", 0) === 0 ? x : rotated(site, x));
    const key = turned(k);
    const window = intOf(node, "local_window_size", -1);
    const { output } = attend(emit, {
      query: turned(q),
      key,
      value: v,
      scale: floatOf(node, "scale", 0) || 1 / Math.sqrt(size),
      bias: [
        ...(input(10) === "" ? [] : [input(10)]),
        ...(window > 0 && window < length ? [windowMask(site, length, window)] : []),
      ],
      causal: 0,
      softcap: floatOf(node, "softcap", 0),
    });
    return [joinHeads(emit, output), key, v];
  },
});

function projections({ emit, input }: LoweringSite, heads: number, groups: number): [string, string, string] {
  if (input(1) !== "")
    return [splitHeads(emit, input(0), heads), splitHeads(emit, input(1), groups), splitHeads(emit, input(2), groups)];
  const [batch, length, width] = emit.dims(input(0)) as [number, number, number];
  const size = width / (heads + 2 * groups);
  const counts = [heads, groups, groups];
  const shapes = counts.map((count) => ({ dtype: emit.dtype(input(0)), dims: [batch, length, count * size] }));
  const parts = emit.ops("Split", [input(0), emit.ints(counts.map((count) => count * size))], shapes, {
    attributes: { axis: 2 },
  });
  return parts.map((part, i) => splitHeads(emit, part, counts[i]!)) as [string, string, string];
}

/** Positions count from 0, or are stated. */
function rotated({ node, emit, input }: LoweringSite, x: string): string {
  const [batch, , length] = emit.dims(x) as [number, number, number];
  const half = emit.dims(input(7))[1]!;
  const angles = (table: string) =>
    input(9) === ""
      ? emit.reshape(emit.slice(table, [0], [0], [length]), [1, 1, length, half])
      : emit.reshape(emit.gather(table, input(9)), [batch, 1, length, half]);
  return rotate(emit, x, angles(input(7)), angles(input(8)), 2 * half, intOf(node, "rotary_interleaved", 0) !== 0);
}

/** Keys further back than the window are not seen. */
function windowMask({ emit, input }: LoweringSite, length: number, window: number): string {
  const values = Array.from({ length: length * length }, (_, at) =>
    Math.floor(at / length) - (at % length) >= window ? -1e30 : 0,
  );
  return emit.cast(emit.store("window", float32([length, length], values)), emit.dtype(input(0)));
}
