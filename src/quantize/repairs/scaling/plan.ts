// What changes where an activation is divided by a factor for each channel: constants of the nodes that make it.

import type { Shape } from "../../../engine/observe.js";
import type { GraphEditor } from "../../../ir/edit.js";
import { type Initializer, label, type Node } from "../../../ir/model.js";
import { isScalable } from "../../../passes/scaled-weight.js";
import { elementCount } from "../../../tensor/dtype.js";
import type { ChannelMap, Ties } from "./channels.js";

/** A constant input of a node is divided by the factors of its channels (or, where `inverse`, multiplied). */
export interface Change {
  readonly node: Node;
  readonly input: number;
  /** As many axes as the constant will have; it is spread to them where it is smaller. */
  readonly map: ChannelMap;
  readonly inverse: boolean;
}

/** What a walk through the graph needs to know, and what it finds. */
export interface Walk {
  readonly editor: GraphEditor;
  /** Observed shapes of values. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Written into: a copy is made where a way may turn out to be none. */
  readonly ties: Ties;
}

/** What a rule knows of the node that makes a value. */
export interface Place {
  readonly walk: Walk;
  readonly node: Node;
  readonly map: ChannelMap;
  /** The value that is to be divided: one of the node's outputs. */
  readonly output: string;
  constant(input: number): boolean;
  /** Divides an input in turn. */
  follow(input: number, before: ChannelMap): Found;
  /** The channels of an input that is broadcast to the output; ties those that one number makes. */
  operand(input: number): ChannelMap | undefined;
}

/** The changes, or why the factor cannot be taken in, as the end of a sentence. */
export type Found = { readonly changes: readonly Change[]; readonly reason?: undefined } | { readonly reason: string };

export const refused = (reason: string): Found => ({ reason });

/** Up to this many elements a constant that others use too is copied; larger ones are weights, of which there is one. */
const COPIED = 2 ** 16;

/** The change of a constant input, or why it cannot be changed. */
export function changeOf({ editor }: Walk, node: Node, input: number, map: ChannelMap, inverse = false): Found {
  const name = node.inputs[input]!;
  const constant = editor.constant(name);
  if (constant === undefined || constant.sparse) return refused(`"${name}" is no dense constant`);
  if (!isScalable(constant.dtype)) return refused(`"${name}" is stored as ${constant.dtype}`);
  const size = elementCount(constant.dims);
  const fits = fitsIn(constant.dims, map.dims);
  if (!fits && Math.max(size, spread(constant, map)) > COPIED) {
    return refused(`"${name}" has no number for each channel`);
  }
  if (size > COPIED && !isOwn(editor, node, name)) return refused(`"${name}" is used elsewhere too`);
  return { changes: [{ node, input, map, inverse }] };
}

/** Dimensions with ones before them, up to a number of axes. */
export const padded = (dims: readonly number[], rank: number): readonly number[] => [
  ...Array.from({ length: rank - dims.length }, () => 1),
  ...dims,
];

/** Whether the constant has a number of its own for each place of the map; axes are counted from the last. */
export function fitsIn(dims: readonly number[], map: readonly number[]): boolean {
  const own = padded(dims, map.length);
  return padded(map, dims.length).every((size, axis) => size === 1 || size === own[axis]);
}

const spread = ({ dims }: Initializer, map: ChannelMap) => {
  const own = padded(dims, map.dims.length);
  return padded(map.dims, dims.length).reduce((all, size, axis) => all * Math.max(size, own[axis]!), 1);
};

/** Whether a node is the only one that uses a constant, and once. */
export const isOwn = (editor: GraphEditor, node: Node, name: string): boolean =>
  editor.initializer(name) !== undefined &&
  !editor.isOutput(name) &&
  editor.consumers(name).length === 1 &&
  node.inputs.filter((one) => one === name).length === 1;

/** Both, or the reason of the one that fails. */
export function both(found: readonly Found[]): Found {
  const changes: Change[] = [];
  for (const one of found) {
    if (one.reason !== undefined) return one;
    changes.push(...one.changes);
  }
  return { changes };
}

export const unclear = (node: Node) =>
  refused(`the channels cannot be followed through ${label(node)} (${node.opType})`);

export const blocks = (node: Node) => refused(`${label(node)} (${node.opType}) lets no factor through`);
