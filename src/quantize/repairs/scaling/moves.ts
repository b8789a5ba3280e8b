// How channels are followed through operators that only move values: Reshape, Transpose, Gather, Split, Concat, Expand.

import { intOf, intsOf } from "../../../ir/attributes.js";
import { constantValue } from "../../../passes/constant-node.js";
import { beforeBroadcast, beforeGather, beforeReshape, beforeTranspose, type ChannelMap, NONE } from "./channels.js";
import { both, changeOf, type Found, type Place, unclear } from "./plan.js";

const dimsOf = ({ walk }: Place, name: string) => walk.editor.constant(name)?.dims ?? walk.shapes.get(name)?.dims;

function reshape(place: Place): Found {
  const { node, map, follow, output } = place;
  const [before, after] = [dimsOf(place, node.inputs[0]!), dimsOf(place, output)];
  const found = before && after && beforeReshape(map, before, after);
  return found ? follow(0, found) : unclear(node);
}

function transpose({ node, map, follow }: Place): Found {
  const perm = intsOf(node, "perm") ?? map.dims.map((_, axis) => map.dims.length - 1 - axis);
  return follow(0, beforeTranspose(map, perm));
}

function expand(place: Place): Found {
  const { node, map, follow, walk } = place;
  const dims = dimsOf(place, node.inputs[0]!);
  const before = dims && beforeBroadcast(map, dims, walk.ties);
  return before ? follow(0, before) : unclear(node);
}

/** Rows looked up, or channels repeated (heads of keys and values that several heads of queries share). */
function gather(place: Place): Found {
  const { node, map, follow, walk, constant } = place;
  const data = dimsOf(place, node.inputs[0]!);
  const index = dimsOf(place, node.inputs[1]!);
  if (data === undefined || index === undefined) return unclear(node);
  const axis = normal(intOf(node, "axis", 0), data.length);
  const taken = map.dims.slice(axis, axis + index.length);
  let before: ChannelMap | undefined;
  if (taken.every((size) => size === 1)) {
    before = { dims: [...map.dims.slice(0, axis), 1, ...map.dims.slice(axis + index.length)], ids: map.ids };
  } else {
    const from = index.length === 1 ? integersOf(place, node.inputs[1]!) : undefined;
    if (from === undefined || from.length !== taken[0]) return unclear(node);
    const places = from.map((at) => normal(at, data[axis]!));
    before = beforeGather(map, axis, places, data[axis]!, walk.ties);
  }
  if (before === undefined) return unclear(node);
  return constant(0) ? changeOf(walk, node, 0, before) : follow(0, before);
}

/** One part of a value that is cut along an axis: the others have no factor. */
function split(place: Place): Found {
  const { node, map, follow, output, walk } = place;
  const whole = dimsOf(place, node.inputs[0]!);
  if (whole === undefined) return unclear(node);
  const axis = normal(intOf(node, "axis", 0), whole.length);
  if (map.dims[axis] === 1) return unclear(node);
  let first = 0;
  for (const name of node.outputs) {
    if (name === output) break;
    const size = dimsOf(place, name)?.[axis];
    if (size === undefined) return unclear(node);
    first += size;
  }
  const index = Array.from({ length: map.dims[axis]! }, (_, at) => first + at);
  const before = beforeGather(map, axis, index, whole[axis]!, walk.ties);
  return before ? follow(0, before) : unclear(node);
}

function concat(place: Place): Found {
  const { node, map, follow, constant, walk } = place;
  const axis = normal(intOf(node, "axis", 0), map.dims.length);
  let first = 0;
  const found: Found[] = [];
  for (const [input, name] of node.inputs.entries()) {
    const size = dimsOf(place, name)?.[axis];
    if (size === undefined) return unclear(node);
    const part = map.dims[axis] === 1 ? map : sliced(map, axis, first, size);
    first += size;
    if (!constant(input)) found.push(follow(input, part));
    else if (part.ids.some((id) => id !== NONE)) found.push(changeOf(walk, node, input, part));
  }
  return both(found);
}

function sliced({ dims, ids }: ChannelMap, axis: number, first: number, size: number): ChannelMap {
  const inner = dims.slice(axis + 1).reduce((all, one) => all * one, 1);
  const row = dims[axis]! * inner;
  const kept = ids.filter((_, at) => {
    const place = Math.floor((at % row) / inner);
    return place >= first && place < first + size;
  });
  return { dims: dims.map((one, at) => (at === axis ? size : one)), ids: kept };
}

const normal = (axis: number, size: number) => (axis < 0 ? axis + size : axis);

/** Shapes and indices are in memory already. */
function integersOf({ walk }: Place, name: string): number[] | undefined {
  const maker = walk.editor.producer(name);
  const constant = maker?.opType === "Constant" ? constantValue(maker) : walk.editor.constant(name);
  if (constant === undefined || constant.sparse || constant.data.bytes === undefined) return undefined;
  const bytes = constant.data.bytes.slice();
  if (constant.dtype === "int64") return Array.from(new BigInt64Array(bytes.buffer), Number);
  return constant.dtype === "int32" ? Array.from(new Int32Array(bytes.buffer)) : undefined;
}

export const MOVES: readonly (readonly [string, (place: Place) => Found])[] = [
  ...["Reshape", "Flatten", "Squeeze", "Unsqueeze"].map((name) => [name, reshape] as const),
  ["Transpose", transpose],
  ["Expand", expand],
  ["Gather", gather],
  ["Split", split],
  ["Concat", concat],
];
