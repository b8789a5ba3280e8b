// What the operators that read an input demand of its shape: a Conv weight says how many channels, a MatMul weight how
// long the last axis is. Followed through operators that keep axes in place.

import { intOf, intsOf } from "./attributes.js";
import type { Graph, Node } from "./model.js";

export interface Demand {
  readonly rank: number | undefined;
  /** Axis (of the input, from 0) to size. */
  readonly sizes: ReadonlyMap<number, number>;
}

/** A value on the way from an input: which axis of the input each of its axes is; null where it is none. */
interface Track {
  readonly input: string;
  readonly axes: readonly (number | null)[] | undefined;
}

/** Demands by input name. Inputs that no followed operator reads are left out. */
export function demands(graph: Graph, inputs: ReadonlySet<string>): Map<string, Demand> {
  const tracks = new Map<string, Track>();
  const found = new Map<string, { rank: number | undefined; sizes: Map<number, number> }>();
  for (const { name, type } of graph.inputs) {
    if (!inputs.has(name)) continue;
    const rank = type?.kind === "tensor" ? type.shape?.length : undefined;
    tracks.set(name, { input: name, axes: rank === undefined ? undefined : Array.from({ length: rank }, (_, i) => i) });
  }
  const demand = (track: Track, rank: number | undefined, axis: number, size: number | undefined) => {
    if (size === undefined) return;
    const entry = found.get(track.input) ?? { rank: undefined, sizes: new Map() };
    found.set(track.input, entry);
    if (track.axes === undefined) {
      if (rank === undefined) return;
      entry.rank ??= rank;
      if (!entry.sizes.has(axis)) entry.sizes.set(axis, size);
      return;
    }
    const origin = track.axes.at(axis);
    if (origin !== null && origin !== undefined && !entry.sizes.has(origin)) entry.sizes.set(origin, size);
  };
  const constants = constantDims(graph);
  for (const node of graph.nodes) {
    node.inputs.forEach((name, position) => {
      const track = tracks.get(name);
      if (track === undefined) return;
      const rule = position === 0 || symmetric.has(node.opType) ? rules[node.opType] : undefined;
      rule?.(
        node,
        (i) => constants.get(node.inputs[i] ?? ""),
        position,
        (rank, axis, size) => demand(track, rank, axis, size),
      );
      const onward = position === 0 ? follow(node, track) : undefined;
      const output = node.outputs[0];
      if (onward !== undefined && output !== undefined) tracks.set(output, onward);
    });
  }
  return found;
}

/** Dimensions of initializers, Constant nodes, and what is decoded from them element by element. */
export function constantDims(graph: Graph): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const [name, { dims }] of graph.initializers) found.set(name, dims);
  for (const { opType, attributes, inputs, outputs } of graph.nodes) {
    const value = opType === "Constant" ? attributes.get("value") : undefined;
    const dims =
      value?.type === "tensor"
        ? value.value.dims
        : opType === "DequantizeLinear" || opType === "Cast" || opType === "Identity"
          ? found.get(inputs[0] ?? "")
          : undefined;
    if (dims !== undefined && outputs[0] !== undefined) found.set(outputs[0], dims);
  }
  return found;
}

const symmetric = new Set(["Add", "Mul", "Sub", "Div"]);

type Rule = (
  node: Node,
  dims: (input: number) => readonly number[] | undefined,
  position: number,
  demand: (rank: number | undefined, axis: number, size: number | undefined) => void,
) => void;

const conv: Rule = (node, dims, _position, demand) => {
  const weight = dims(1);
  if (weight?.[1] !== undefined) demand(weight.length, 1, weight[1] * intOf(node, "group", 1));
};
const lastAxis =
  (axisOfWeight: number): Rule =>
  (_node, dims, _position, demand) =>
    demand(undefined, -1, (dims(1)?.length ?? 0) >= 2 ? dims(1)!.at(axisOfWeight) : undefined);
const recurrent: Rule = (_node, dims, _position, demand) => demand(3, 2, dims(1)?.[2]);
const perChannel: Rule = (_node, dims, _position, demand) => demand(undefined, 1, dims(1)?.[0]);
// A constant of the same rank pins every axis where it is wider than 1 (the value itself could be 1, which is rarer).
const broadcast: Rule = (_node, dims, position, demand) => {
  const constant = dims(1 - position);
  constant?.forEach((size, axis) => {
    if (size > 1) demand(undefined, axis - constant.length, size);
  });
};

const rules: Readonly<Record<string, Rule>> = {
  Conv: conv,
  ConvInteger: conv,
  ConvTranspose: (_node, dims, _position, demand) => demand(dims(1)?.length, 1, dims(1)?.[0]),
  MatMul: lastAxis(-2),
  MatMulInteger: lastAxis(-2),
  Gemm: (node, dims, _position, demand) => {
    const weight = dims(1);
    const size = weight?.[intOf(node, "transB", 0) === 1 ? 1 : 0];
    demand(2, intOf(node, "transA", 0) === 1 ? 0 : 1, size);
  },
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  BatchNormalization: perChannel,
  InstanceNormalization: perChannel,
  LayerNormalization: (_node, dims, _position, demand) => demand(undefined, -1, dims(1)?.at(-1)),
  Add: broadcast,
  Sub: broadcast,
  Mul: broadcast,
  Div: broadcast,
};

/** Operators whose first output has the axes of their first input, with the same sizes. */
const inPlace = new Set(
  "Cast Identity Relu LeakyRelu Sigmoid Tanh Abs Neg Sqrt Exp Log Clip Dropout QuantizeLinear DequantizeLinear Softmax Erf BatchNormalization LayerNormalization InstanceNormalization".split(
    " ",
  ),
);

function follow(node: Node, track: Track): Track | undefined {
  if (inPlace.has(node.opType)) return track;
  // Broadcasting against something wider would add axes in front: only the count from the end is kept then.
  if (symmetric.has(node.opType)) return track;
  if (node.opType === "Transpose" && track.axes !== undefined) {
    const { axes } = track;
    const order = intsOf(node, "perm") ?? axes.map((_, i) => axes.length - 1 - i);
    return { input: track.input, axes: order.map((axis) => axes[axis] ?? null) };
  }
  return undefined;
}
