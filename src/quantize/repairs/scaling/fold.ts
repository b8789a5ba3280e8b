// Divides a value by a factor for each channel, exactly and at no cost, by following it back to the constants that make it:
// scale and bias of a norm, columns of a product and its bias, a Mul by a constant vector; through what keeps a factor.

import { intOf } from "../../../ir/attributes.js";
import { label, type Node } from "../../../ir/model.js";
import { operatorKey } from "../../../ops/operator.js";
import { alongAxis, beforeBroadcast, type ChannelMap, mergedTo, NONE, onlyAxis, Ties } from "./channels.js";
import { MOVES } from "./moves.js";
import { blocks, both, changeOf, type Found, fitsIn, type Place, refused, unclear, type Walk } from "./plan.js";

export type { Change, Walk } from "./plan.js";

/**
 * Changes that divide `value` by the factors of its channels along `axis`, and the channels that must share one; or why
 * there are none. `users`: the nodes that will be told of the factor, and no other may use the value.
 */
export function fold(
  walk: Omit<Walk, "ties">,
  value: string,
  axis: number,
  channels: number,
  users: ReadonlySet<Node>,
): { readonly found: Found; readonly ties: Ties } {
  const ties = new Ties(channels);
  const rank = walk.shapes.get(value)?.dims.length;
  if (rank === undefined) return { found: refused(`the shape of "${value}" is not known`), ties };
  return { found: divide({ ...walk, ties }, value, alongAxis(rank, axis, channels), users), ties };
}

/** How deep a value is followed: real ways are short, and branches of a residual network would be walked again and again. */
const DEPTH = 24;

function divide(walk: Walk, name: string, map: ChannelMap, users: ReadonlySet<Node>, depth = 0): Found {
  const { editor } = walk;
  if (depth > DEPTH) return refused("what makes it is too far away");
  if (map.ids.every((id) => id === NONE)) return { changes: [] };
  if (editor.isOutput(name)) return refused(`"${name}" is an output of the model`);
  const other = editor.consumers(name).find((node) => !users.has(node) && !readsShape(node));
  if (other) return refused(`${label(other)} (${other.opType}) uses "${name}" too`);
  const node = editor.producer(name);
  if (node === undefined) return refused(`"${name}" is an input of the model`);
  const rule = RULES.get(operatorKey(node));
  if (rule === undefined) return blocks(node);
  const only = new Set([node]);
  return rule({
    walk,
    node,
    map,
    output: name,
    constant: (input) => editor.constant(node.inputs[input] ?? "") !== undefined,
    follow(input, before) {
      const from = node.inputs[input]!;
      // What is used twice would be divided twice.
      const once = node.inputs.filter((one) => one === from).length === 1;
      return once ? divide(walk, from, before, only, depth + 1) : refused(`${label(node)} uses "${from}" twice`);
    },
    operand: (input) => {
      const constant = editor.constant(node.inputs[input]!);
      const dims = constant?.dims ?? walk.shapes.get(node.inputs[input]!)?.dims;
      return dims && beforeBroadcast(map, dims, walk.ties);
    },
  });
}

type Rule = (place: Place) => Found;

const readsShape = ({ opType, domain }: Node) => domain === "" && (opType === "Shape" || opType === "Size");

/** Every term is divided; a constant one, whatever its size, is spread to the channels. */
const sum: Rule = ({ walk, node, map, constant, follow, operand }) =>
  both(
    [0, 1].map((input) => {
      if (constant(input)) return changeOf(walk, node, input, map);
      const before = operand(input);
      return before ? follow(input, before) : unclear(node);
    }),
  );

/** One of the factors is divided: a constant vector, else the first of the two that can be. */
const product: Rule = ({ walk, node, map, constant, follow, operand }) => {
  let reason: Found | undefined;
  for (const input of [0, 1]) {
    const vector = walk.editor.constant(node.inputs[input]!);
    if (vector && fitsIn(vector.dims, map.dims)) return changeOf(walk, node, input, map);
  }
  for (const input of [1, 0]) {
    if (constant(input)) continue;
    // A way that leads nowhere may have tied channels.
    const tried = walk.ties.saved();
    const before = operand(input);
    const found = before ? follow(input, before) : unclear(node);
    if (found.reason === undefined) return found;
    walk.ties.restore(tried);
    reason ??= found;
  }
  return reason ?? unclear(node);
};

const quotient: Rule = ({ walk, node, map, constant, follow, operand }) => {
  const below = walk.editor.constant(node.inputs[1]!);
  if (below && fitsIn(below.dims, map.dims)) return changeOf(walk, node, 1, map, true);
  if (constant(0)) return blocks(node);
  const before = operand(0);
  return before ? follow(0, before) : unclear(node);
};

const matmul: Rule = ({ walk, node, map, constant, follow }) => {
  const last = map.dims.length - 1;
  if (constant(1)) {
    const { dims } = walk.editor.constant(node.inputs[1]!)!;
    if (dims.length !== 2) return unclear(node);
    const columns = mergedTo(
      map,
      map.dims.map((size, axis) => (axis === last ? size : 1)),
      walk.ties,
    );
    return columns ? changeOf(walk, node, 1, { dims: [1, columns.dims[last]!], ids: columns.ids }) : unclear(node);
  }
  // Rows of the right factor are summed over: only its columns and its matrices may have factors.
  if (last < 1 || map.dims[last - 1] !== 1) return unclear(node);
  const right = walk.shapes.get(node.inputs[1]!)?.dims;
  const before =
    right && right.length >= 2 ? beforeBroadcast(map, [...right.slice(0, -2), 1, right.at(-1)!], walk.ties) : undefined;
  return before ? follow(1, before) : unclear(node);
};

const gemm: Rule = ({ walk, node, map, constant }) => {
  const axis = onlyAxis(map);
  if (axis !== 1 || !constant(1)) return unclear(node);
  const size = map.dims[1]!;
  const dims = intOf(node, "transB", 0) === 0 ? [1, size] : [size, 1];
  return both([changeOf(walk, node, 1, { dims, ids: map.ids }), vector(walk, node, 2, map)]);
};

const conv: Rule = ({ walk, node, map, constant }) => {
  if (onlyAxis(map) !== 1 || !constant(1)) return unclear(node);
  const dims = walk.editor.constant(node.inputs[1]!)!.dims.map((_, axis) => (axis === 0 ? map.dims[1]! : 1));
  return both([changeOf(walk, node, 1, { dims, ids: map.ids }), vector(walk, node, 2, map)]);
};

/** A constant vector of one number for each channel; nothing where the input is left out. */
function vector(walk: Walk, node: Node, input: number, { ids }: ChannelMap): Found {
  if ((node.inputs[input] ?? "") === "") return { changes: [] };
  return changeOf(walk, node, input, { dims: [ids.length], ids });
}

/** Scale and bias of a norm, at these inputs, along this axis. */
const norm =
  (inputs: readonly number[], axisOf: (rank: number, node: Node) => number): Rule =>
  ({ walk, node, map, output }) => {
    const axis = onlyAxis(map);
    if (node.outputs[0] !== output || axis === undefined) return unclear(node);
    if (axis !== axisOf(map.dims.length, node)) return unclear(node);
    return both(inputs.map((input) => vector(walk, node, input, map)));
  };

/** Norms over the last axis only: over several, scale and bias are matrices. */
const lastAxis = (rank: number, node: Node) => {
  const stated = intOf(node, "axis", -1);
  return (stated < 0 ? stated + rank : stated) === rank - 1 ? rank - 1 : -1;
};

const same: Rule = ({ node, map, follow, output }) => (node.outputs[0] === output ? follow(0, map) : unclear(node));

/** Pools keep a factor along the axis of channels only. */
const pool: Rule = ({ node, map, follow, output }) =>
  node.outputs[0] === output && onlyAxis(map) === 1 ? follow(0, map) : unclear(node);

const RULES = new Map<string, Rule>([
  ["Add", sum],
  ["Sub", sum],
  ["Mul", product],
  ["Div", quotient],
  ["MatMul", matmul],
  ["Gemm", gemm],
  ["Conv", conv],
  ["LayerNormalization", norm([1, 2], lastAxis)],
  ["RMSNormalization", norm([1], lastAxis)],
  ["SimplifiedLayerNormalization", norm([1], lastAxis)],
  ["com.microsoft:SkipLayerNormalization", norm([2, 3], (rank) => rank - 1)],
  ["com.microsoft:SkipSimplifiedLayerNormalization", norm([2], (rank) => rank - 1)],
  ["BatchNormalization", norm([1, 2], () => 1)],
  ["InstanceNormalization", norm([1, 2], () => 1)],
  ...["Identity", "Relu", "LeakyRelu", "Neg", "Abs", "Dropout"].map((name) => [name, same] as const),
  ...["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"].map((name) => [name, pool] as const),
  ...MOVES,
]);
