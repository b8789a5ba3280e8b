// Attention of given queries, keys and values: heads go whole, with their queries, keys, values and outputs. Grouped queries
// go with the keys and values that they share.

import { intOf } from "../../ir/attributes.js";
import { type Axis, type ChannelNode, defineChannelRule, type Flow } from "./rule.js";
import { withCount } from "./with-count.js";

/** Operators that take queries, keys and values of three axes [batch, sequence, heads * size], or of four. */
export const attention = defineChannelRule({
  name: "attention",
  summary: "Attention of given queries, keys and values, grouped ones too",
  reference: "https://onnx.ai/onnx/operators/onnx__Attention.html",
  operators: ["Attention", "com.microsoft:MultiHeadAttention", "com.microsoft:GroupQueryAttention"],
  flow(flow) {
    const parts = partsOf(flow);
    if (typeof parts === "string") return keepAll(flow, parts);
    const { q, k, v, y, heads, shared, bias, scores, caches } = parts;
    const each = heads / shared;
    const size = {
      q: sizeOf(flow, q, heads),
      k: sizeOf(flow, k, shared),
      v: sizeOf(flow, v, shared),
      y: sizeOf(flow, y, heads),
    };
    // Everything lies where its group of queries lies: the first position of that group in the keys.
    const at = (axis: Axis, width: number, perGroup: number) =>
      flow.place(axis, k, (position) => Math.floor(position / (width * perGroup)) * size.k);
    flow.bundle(k, (position) => Math.floor(position / size.k));
    at(q, size.q, each);
    at(v, size.v, 1);
    at(y, size.y, each);
    for (const cache of caches) flow.place(cache, k, (head) => head * size.k);
    if (bias) {
      const queries = heads * size.q;
      const keys = shared * size.k;
      flow.place({ value: bias, axis: 0 }, k, (position) => {
        const group =
          position < queries
            ? Math.floor(position / (size.q * each))
            : position < queries + keys
              ? Math.floor((position - queries) / size.k)
              : Math.floor((position - queries - keys) / size.v);
        return group * size.k;
      });
    }
    if (scores) {
      const axis = flow.dims(scores).length - 3;
      if (axis >= 0 && flow.dims(scores)[axis] === heads) {
        flow.place({ value: scores, axis }, k, (head) => Math.floor(head / each) * size.k);
      } else if (axis >= 0) flow.free({ value: scores, axis });
    }
    flow.tag(k, "head");
  },
  rests(rests) {
    const parts = partsOf(rests);
    if (typeof parts === "string") return;
    const { v, y, bias, past } = parts;
    const zero = rests.rest(v) === 0 && (!bias || rests.isFixed(bias)) && !past;
    rests.leaves(y, zero ? 0 : undefined);
  },
  cut(cut) {
    const parts = partsOf(cut);
    if (typeof parts === "string") return undefined;
    const { k, heads, shared, names } = parts;
    const left = (shared * cut.after(k.value)[k.axis]!) / cut.dims(k.value)[k.axis]!;
    let { node } = cut;
    if (node.attributes.has(names.heads)) node = withCount(node, names.heads, (heads * left) / shared);
    if (names.shared && node.attributes.has(names.shared)) node = withCount(node, names.shared, left);
    return node;
  },
});

/** Positions of one head along an axis; 1 where heads have an axis of their own. */
const sizeOf = ({ dims }: ChannelNode, { value, axis }: Axis, heads: number) => dims(value)[axis]! / heads;

function partsOf(given: ChannelNode) {
  const { node, dims } = given;
  const [q, k, v] = node.inputs;
  const [y] = node.outputs;
  if (!q || !k || !v) return "its attention takes queries, keys and values in one";
  const rank = dims(q).length;
  if (dims(k).length !== rank || dims(v).length !== rank)
    return "its attention takes keys of another form than queries";
  if (rank !== 3 && rank !== 4) return "its attention takes queries, keys and values in one";
  const fromFour = rank === 4;
  const axis = fromFour ? 1 : 2;
  const microsoft = node.domain === "com.microsoft";
  const names = microsoft
    ? { heads: "num_heads", shared: node.opType === "GroupQueryAttention" ? "kv_num_heads" : undefined }
    : { heads: "q_num_heads", shared: "kv_num_heads" };
  const heads = fromFour ? dims(q)[1]! : intOf(node, names.heads, 1);
  const shared = fromFour ? dims(k)[1]! : names.shared ? intOf(node, names.shared, heads) : heads;
  const cached = (values: readonly (string | undefined)[]) =>
    values.flatMap((value) => (value ? [{ value, axis: 1 }] : []));
  const [inputs, outputs] = [node.inputs, node.outputs];
  const past =
    node.opType === "MultiHeadAttention"
      ? cached([inputs[6], inputs[7]])
      : node.opType === "GroupQueryAttention"
        ? cached([inputs[3], inputs[4]])
        : cached([inputs[4], inputs[5]]);
  const isMulti = node.opType === "MultiHeadAttention";
  const scores = isMulti ? inputs[5] : node.opType === "GroupQueryAttention" ? inputs[10] : inputs[3];
  return {
    q: { value: q, axis },
    k: { value: k, axis },
    v: { value: v, axis },
    y: { value: y!, axis: dims(y!).length === 4 ? 1 : 2 },
    heads,
    shared,
    names,
    bias: isMulti ? inputs[3] : undefined,
    scores: scores || undefined,
    past: past.length > 0,
    caches: [...past, ...cached([outputs[1], outputs[2]])],
  };
}

function keepAll(flow: Flow, reason: string): void {
  for (const value of [...flow.node.inputs, ...flow.node.outputs]) if (value !== "") flow.keep(value, reason);
}
