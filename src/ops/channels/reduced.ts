// Which axes a reduction is over, and where the others are in its output. Shared by the rules of reductions.

import { intOf, intsOf } from "../../ir/attributes.js";
import { fromFront, inputOf, outputOf } from "./passing.js";
import type { Axis, ChannelNode, Flow } from "./rule.js";

interface Reduced {
  /** Input axes, ascending. */
  readonly over: readonly number[];
  /** Input axes that stay axes, with those of the output. */
  readonly across: readonly (readonly [Axis, Axis])[];
}

/** Axes became an input in opset 13 (ReduceSum) and 18 (the others). */
const AXES_INPUT = new Map([["ReduceSum", 13]]);

/** Undefined where the axes are computed. */
export function reducedOf(node: ChannelNode): Reduced | undefined {
  const [from, to] = [inputOf(node, 0), outputOf(node, 0)];
  const rank = node.dims(from).length;
  const over = axesOf(node, rank);
  if (over === undefined) return undefined;
  const keepsRank = intOf(node.node, "keepdims", 1) === 1;
  const others = [...Array(rank).keys()].filter((axis) => !over.includes(axis));
  const across = others.map((axis, at): readonly [Axis, Axis] => [
    { value: from, axis },
    { value: to, axis: keepsRank ? axis : at },
  ]);
  return { over, across };
}

function axesOf(node: ChannelNode, rank: number): number[] | undefined {
  const { opType } = node.node;
  const ascending = (axes: readonly number[]) => axes.map((axis) => fromFront(axis, rank)).sort((a, b) => a - b);
  if (opType === "ArgMax" || opType === "ArgMin") return ascending([intOf(node.node, "axis", 0)]);
  const given =
    node.opset < (AXES_INPUT.get(opType) ?? 18)
      ? intsOf(node.node, "axes")
      : inputOf(node, 1) === ""
        ? []
        : node.numbers(inputOf(node, 1));
  if (given === undefined && inputOf(node, 1) !== "") return undefined;
  if (given !== undefined && given.length > 0) return ascending(given);
  return intOf(node.node, "noop_with_empty_axes", 0) === 1 ? [] : [...Array(rank).keys()];
}

export function passAcross(flow: Flow, { across }: Reduced): void {
  for (const [from, to] of across) flow.tie(from, to);
}
