// How channels pass through operators that keep a positive scale: f(s x) = s f(x) for each channel by itself.

import { intOf, intsOf } from "../../../ir/attributes.js";
import type { Node } from "../../../ir/model.js";
import { elementCount } from "../../../tensor/dtype.js";
import type { ChannelClasses } from "./classes.js";

/** A value whose channels are followed: the axis (from the front) and the channel of each index along it. */
export interface Channels {
  readonly axis: number;
  readonly ids: readonly number[];
}

/** What a rule may ask. Dims are those of a run; constants are the small ones that are in memory. */
export interface Asked {
  readonly node: Node;
  readonly classes: ChannelClasses;
  channels(name: string): Channels | undefined;
  dims(name: string): readonly number[] | undefined;
  /** Elements of a constant of integers, or of one that is all zeros. */
  integers(name: string): readonly number[] | undefined;
  isConstant(name: string): boolean;
  isZero(name: string): boolean;
}

/** The channels of the first output, or why a scale does not pass. */
export type Rule = (asked: Asked) => Channels | string;

const first = ({ node, channels }: Asked): Channels => channels(node.inputs[0]!)!;

/** Element by element, with the same shape. */
const elementwise: Rule = first;

/** Spatial axes only: channels are axis 1. */
const pooling: Rule = (asked) => (first(asked).axis === 1 ? first(asked) : "channels are not the second axis");

const sameChannels: Rule = (asked) => {
  const given = first(asked);
  const dims = asked.dims(asked.node.outputs[0]!);
  return dims?.[given.axis] === given.ids.length ? given : "it changes the number of channels";
};

const prelu: Rule = (asked) => (asked.isConstant(asked.node.inputs[1] ?? "") ? first(asked) : "its slope is computed");

/** Times or divided by a constant. */
const factor =
  (places: readonly number[]): Rule =>
  (asked) => {
    const { node, isConstant, channels, dims } = asked;
    const at = places.find((place) => channels(node.inputs[place] ?? "") !== undefined);
    const other = at === undefined ? undefined : node.inputs[1 - at]!;
    if (other === undefined || !isConstant(other)) return "both of its inputs are computed";
    const given = channels(node.inputs[at!]!)!;
    if (!sameDims(dims(node.inputs[at!]!), dims(node.outputs[0]!))) return "it broadcasts its input";
    return given;
  };

const sum: Rule = ({ node, classes, channels, dims }) => {
  const [left, right] = node.inputs.map((name) => channels(name));
  if (left === undefined || right === undefined) return "what is added does not take the scale";
  const [a = "", b = ""] = node.inputs;
  if (left.axis !== right.axis || !sameDims(dims(a), dims(b))) return "it broadcasts what is added";
  classes.unite(left.ids, right.ids);
  return left;
};

const concat: Rule = ({ node, classes, channels, dims }) => {
  const parts = node.inputs.map((name) => ({ given: channels(name), dims: dims(name) }));
  const known = parts.find(({ given }) => given !== undefined)!;
  const rank = known.dims?.length ?? 0;
  const axis = intOf(node, "axis", 1);
  const along = axis < 0 ? axis + rank : axis;
  const channelAxis = known.given!.axis;
  if (parts.some(({ given }) => given !== undefined && given.axis !== channelAxis)) return "channels are on other axes";
  if (along === channelAxis) {
    const ids: number[] = [];
    for (const { given, dims: size } of parts) {
      const count = size?.[along];
      if (count === undefined) return "its shape is not known";
      if (given) ids.push(...given.ids);
      else {
        // The others may still be scaled: where nothing is known, nothing changes.
        const fixed = classes.create(count);
        classes.fix(fixed, "it is joined with what takes no scale");
        ids.push(...fixed);
      }
    }
    return { axis: along, ids };
  }
  if (parts.some(({ given }) => given === undefined)) return "it joins what takes no scale";
  for (const { given } of parts) classes.unite(known.given!.ids, given!.ids);
  return known.given!;
};

/** Zeros around: along the channels they are channels of their own, which any scale suits. */
const pad: Rule = ({ node, classes, channels, dims, integers, isZero }) => {
  const given = channels(node.inputs[0]!)!;
  const rank = dims(node.inputs[0]!)?.length;
  const pads = intsOf(node, "pads") ?? integers(node.inputs[1] ?? "");
  if (rank === undefined || pads === undefined || pads.length !== 2 * rank) return "its pads are not known";
  const value = node.inputs[2] ?? "";
  const mode = node.attributes.get("mode");
  const constant = mode?.type !== "string" || new TextDecoder().decode(mode.value) === "constant";
  if (constant && (value !== "" ? !isZero(value) : node.attributes.has("value"))) return "it pads with other than zero";
  const [before, after] = [pads[given.axis]!, pads[rank + given.axis]!];
  if (before === 0 && after === 0) return given;
  if (!constant || before < 0 || after < 0) return "it pads channels with others";
  return { axis: given.axis, ids: [...classes.create(before), ...given.ids, ...classes.create(after)] };
};

const slice: Rule = (asked) => {
  const { node, integers, dims } = asked;
  const given = first(asked);
  const axes = intsOf(node, "axes") ?? (node.inputs[3] ? integers(node.inputs[3]) : undefined);
  const rank = dims(node.inputs[0]!)?.length;
  if (axes === undefined || rank === undefined) return "its axes are not known";
  return axes.some((axis) => (axis < 0 ? axis + rank : axis) === given.axis) ? "it cuts channels" : given;
};

const reduce: Rule = (asked) => {
  const { node, integers, dims } = asked;
  const given = first(asked);
  const rank = dims(node.inputs[0]!)?.length;
  const axes = intsOf(node, "axes") ?? (node.inputs[1] ? integers(node.inputs[1]) : undefined);
  if (axes === undefined || rank === undefined) return "its axes are not known";
  const reduced = axes.map((axis) => (axis < 0 ? axis + rank : axis));
  if (reduced.includes(given.axis)) return "it joins channels";
  if (intOf(node, "keepdims", 1) === 1) return given;
  return { axis: given.axis - reduced.filter((axis) => axis < given.axis).length, ids: given.ids };
};

const transpose: Rule = (asked) => {
  const given = first(asked);
  const rank = asked.dims(asked.node.inputs[0]!)?.length;
  const perm = intsOf(asked.node, "perm") ?? (rank === undefined ? undefined : [...Array(rank).keys()].reverse());
  const axis = perm?.indexOf(given.axis) ?? -1;
  return axis < 0 ? "its axes are not known" : { axis, ids: given.ids };
};

/** Reshape, Flatten, Squeeze, Unsqueeze: an axis stays one, or becomes one with all that follow it. */
const reshape: Rule = (asked) => {
  const given = first(asked);
  const [from, to] = [asked.dims(asked.node.inputs[0]!), asked.dims(asked.node.outputs[0]!)];
  if (from === undefined || to === undefined) return "its shape is not known";
  const outer = elementCount(from.slice(0, given.axis));
  const inner = elementCount(from.slice(given.axis + 1));
  const { length } = given.ids;
  for (let axis = given.axis > 0 ? 1 : 0; axis < to.length; axis++) {
    if (elementCount(to.slice(0, axis)) !== outer) continue;
    if (to[axis] === length) return { axis, ids: given.ids };
    if (to[axis] !== length * inner) continue;
    return { axis, ids: given.ids.flatMap((id) => Array<number>(inner).fill(id)) };
  }
  return "it mixes channels with other axes";
};

const sameDims = (a: readonly number[] | undefined, b: readonly number[] | undefined) =>
  a !== undefined && b !== undefined && a.length === b.length && a.every((size, i) => size === b[i]);

/** By operator of the default domain. Add and Sub with a constant are offsets: `trace` treats them. */
export const RULES: Readonly<Record<string, Rule>> = {
  Relu: elementwise,
  LeakyRelu: elementwise,
  PRelu: prelu,
  Abs: elementwise,
  Neg: elementwise,
  Identity: elementwise,
  Dropout: elementwise,
  MaxPool: pooling,
  AveragePool: pooling,
  GlobalAveragePool: pooling,
  GlobalMaxPool: pooling,
  LpPool: pooling,
  GlobalLpPool: pooling,
  Upsample: sameChannels,
  Resize: sameChannels,
  ReduceMean: reduce,
  ReduceSum: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  Add: sum,
  Sub: sum,
  Concat: concat,
  Pad: pad,
  Slice: slice,
  Transpose: transpose,
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Mul: factor([0, 1]),
  Div: factor([0]),
};
