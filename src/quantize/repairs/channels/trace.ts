// Which channels of a model can be scaled, and what has to be scaled together: from layer to layer, through operators that
// keep a positive scale, over branches, sums and joins.

import type { Graph, Node } from "../../../ir/model.js";
import { consumers, topological, uses } from "../../../ir/traverse.js";
import { constantValue } from "../../../passes/constant-node.js";
import { elementCount } from "../../../tensor/dtype.js";
import type { Tensor } from "../../../tensor/tensor.js";
import { ChannelClasses } from "./classes.js";
import { isConstant, isLayer, type Layer, layerOf, type Surroundings } from "./layers.js";
import { type Asked, type Channels, RULES } from "./rules.js";

/** A layer and the channels that it reads and writes; undefined: what it reads takes no scale. */
export interface TracedLayer {
  readonly layer: Layer;
  readonly reads: readonly number[] | undefined;
  readonly writes: readonly number[];
}

/** A constant that is added to scaled channels, and so is scaled as they are: one number a channel, or one for all. */
export interface Offset {
  readonly node: Node;
  readonly input: number;
  readonly ids: readonly number[];
  /** Its axis of channels, counted from the end (-1 is the last): where it has none, it is made to have one. */
  readonly axis: number;
}

export interface Trace {
  readonly classes: ChannelClasses;
  readonly layers: readonly TracedLayer[];
  readonly offsets: readonly Offset[];
  /** Values whose channels are followed. */
  readonly values: ReadonlyMap<string, Channels>;
}

/** `dims`: of every value, as a run gave them. Reads no weight. */
export function trace(graph: Graph, dims: (name: string) => readonly number[] | undefined): Trace {
  const around: Surroundings = {
    graph,
    consumers: consumers(graph),
    inputs: new Set(graph.inputs.map(({ name }) => name)),
    outputs: new Set(graph.outputs.map(({ name }) => name)),
  };
  const classes = new ChannelClasses();
  const values = new Map<string, Channels>();
  const layers: TracedLayer[] = [];
  const offsets: Offset[] = [];
  const channels = (name: string) => values.get(name);
  const fix = (node: Node, why: string) => {
    for (const name of uses(node)) fixValue(name, `${node.opType}: ${why}`);
  };
  const fixValue = (name: string, reason: string) => {
    const given = values.get(name);
    if (given) classes.fix(given.ids, reason);
  };

  const visitLayer = (node: Node) => {
    const layer = layerOf(node, around);
    if (typeof layer === "string") return fix(node, layer);
    const [input = "", output = ""] = [node.inputs[0], node.outputs[0]];
    if (node.inputs.slice(1).some((name) => values.has(name))) return fix(node, "its weight or bias is computed");
    const given = values.get(input);
    const reads = given && onAxis(given.axis, layer.axis, dims(input)) && given.ids.length === layer.inputs;
    if (given && !reads) fixValue(input, `${node.opType}: it reads channels on another axis`);
    const rank = dims(output)?.length;
    const bias = layer.bias === undefined ? undefined : graph.initializers.get(layer.bias);
    const written =
      rank === undefined ? undefined : { axis: layer.axis < 0 ? rank - 1 : 1, ids: classes.create(layer.outputs) };
    if (written && bias && !isVector(bias as Tensor, layer.outputs)) classes.fix(written.ids, "its bias is no vector");
    if (written) values.set(output, written);
    layers.push({ layer, reads: reads ? given.ids : undefined, writes: written?.ids ?? fixed(layer.outputs) });
    if (layer.bias !== undefined && written) offsets.push({ node, input: 2, ids: written.ids, axis: -1 });
  };
  /** Shapes, axes and pads may be nodes. */
  const made = new Map(
    graph.nodes.flatMap((node) => (node.opType === "Constant" ? [[node.outputs[0]!, node] as const] : [])),
  );
  const small = (name: string): Tensor | undefined => {
    const found = made.get(name);
    const constant = found ? constantValue(found) : graph.initializers.get(name);
    return constant?.sparse ? undefined : constant;
  };
  const fixed = (count: number) => {
    const ids = classes.create(count);
    classes.fix(ids, "its shape is not known");
    return ids;
  };

  const visit = (node: Node) => {
    if (isLayer(node)) return visitLayer(node);
    if (![...uses(node)].some((name) => values.has(name))) return;
    const offset = offsetOf(node);
    if (typeof offset === "object") {
      offsets.push(offset);
      values.set(node.outputs[0]!, values.get(node.inputs[1 - offset.input]!)!);
      return;
    }
    const rule = node.domain === "" ? RULES[node.opType] : undefined;
    if (rule === undefined) return fix(node, "it does not keep a scale");
    if (offset !== undefined) return fix(node, offset);
    // Of Concat, Add and Mul any input may be followed, of all others the first only.
    const anywhere =
      node.opType === "Concat" || node.opType === "Add" || node.opType === "Mul" || node.opType === "Sub";
    if (!anywhere && !values.has(node.inputs[0] ?? "")) return fix(node, "it takes what is scaled as a parameter");
    const passed = rule(asked(node));
    if (typeof passed === "string") return fix(node, passed);
    values.set(node.outputs[0]!, passed);
  };
  const asked = (node: Node): Asked => ({
    node,
    classes,
    channels,
    dims,
    isConstant: (name) => isConstant(name, around),
    integers: (name) => integersOf(small(name)),
    isZero: (name) => isZero(small(name)),
  });

  /** Add, or Sub of, a constant with one number for each channel or one for all; a reason where it has another form. */
  const offsetOf = (node: Node): Offset | string | undefined => {
    if (node.domain !== "" || (node.opType !== "Add" && node.opType !== "Sub")) return undefined;
    const input = node.inputs.findIndex((name) => isConstant(name, around));
    const given = values.get(node.inputs[1 - input] ?? "");
    if (input < 0 || given === undefined) return undefined;
    const constant = graph.initializers.get(node.inputs[input]!)!;
    const [whole, result] = [dims(node.inputs[1 - input]!), dims(node.outputs[0]!)];
    if (constant.sparse || (constant.dtype !== "float32" && constant.dtype !== "float16"))
      return "it adds another type";
    if (whole === undefined || result?.length !== whole.length) return "its shape is not known";
    if (elementCount(whole) !== elementCount(result)) return "it broadcasts its input";
    const axis = given.axis - whole.length;
    const perChannel = elementCount(constant.dims) === (constant.dims.at(axis) ?? 1);
    const count = constant.dims.at(axis) ?? 1;
    if (!perChannel || (count !== 1 && count !== given.ids.length)) return "it adds more than one number a channel";
    return { node, input, ids: given.ids, axis };
  };

  for (const node of topological(graph)) visit(node);
  for (const { name } of graph.outputs) fixValue(name, "it is an output of the model");
  return { classes, layers, offsets, values };
}

const onAxis = (axis: number, wanted: 1 | -1, dims: readonly number[] | undefined) =>
  dims !== undefined && axis === (wanted < 0 ? dims.length - 1 : 1);

/** One number for each channel, or one for all, on the last axis. */
const isVector = ({ dims }: Tensor, channels: number) => {
  const count = elementCount(dims);
  return (count === 1 || count === channels) && count === (dims.at(-1) ?? 1);
};

/** Shapes and pads are in memory already (onnx/limits). */
function integersOf(constant: Tensor | undefined): readonly number[] | undefined {
  const bytes = constant?.data.bytes;
  if (constant === undefined || bytes === undefined) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (constant.dtype === "int32")
    return Array.from({ length: bytes.length / 4 }, (_, at) => view.getInt32(4 * at, true));
  if (constant.dtype !== "int64") return undefined;
  return Array.from({ length: bytes.length / 8 }, (_, at) => Number(view.getBigInt64(8 * at, true)));
}

const isZero = (constant: Tensor | undefined): boolean => constant?.data.bytes?.every((byte) => byte === 0) ?? false;
