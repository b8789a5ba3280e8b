// What many rules say: these axes pass, those stay.

import type { Node } from "../../ir/model.js";
import type { Axis, ChannelNode, Flow, Rests } from "./rule.js";

/** Name of an input; "" where it is not given. */
export const inputOf = ({ node }: ChannelNode, index: number): string => node.inputs[index] ?? "";
export const outputOf = ({ node }: ChannelNode, index: number): string => node.outputs[index] ?? "";

/** The axis counted from the front. */
export const fromFront = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

/** Every axis of `from` passes to the same axis of `to` (equal ranks), but for some. */
export function passAll(flow: Flow, from: string, to: string, but: (axis: number) => boolean = () => false): void {
  for (const axis of flow.dims(from).keys()) {
    if (!but(axis)) flow.tie({ value: from, axis }, { value: to, axis });
  }
}

/** All axes of all that goes in and comes out stay. */
export function keepAll(flow: Flow, reason: string): void {
  for (const value of new Set([...flow.node.inputs, ...flow.node.outputs])) {
    if (value !== "") flow.keep(value, reason);
  }
}

/** Some axes of a value stay. */
export function keepAxes(flow: Flow, value: string, axes: (axis: number) => boolean, reason: string): void {
  if (value === "") return;
  for (const axis of flow.dims(value).keys()) if (axes(axis)) flow.keep({ value, axis }, reason);
}

/** Each axis of `to` holds what the same axis of `from` holds, changed by `change`. Equal ranks. */
export function leaveAll(
  rests: Rests,
  from: string,
  to: string,
  change: (rest: number, axis: Axis) => number | undefined = (rest) => rest,
): void {
  for (const axis of rests.dims(from).keys()) {
    const rest = rests.rest({ value: from, axis });
    rests.leaves({ value: to, axis }, rest === undefined ? undefined : change(rest, { value: from, axis }));
  }
}

/** The node with another input in one place. */
export const withInput = (node: Node, index: number, value: string): Node => ({
  ...node,
  inputs: node.inputs.map((name, at) => (at === index ? value : name)),
});
