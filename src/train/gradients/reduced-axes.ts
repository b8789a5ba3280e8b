// What a Reduce* node reduces: the axes from its input or attribute, and the shape that its result has beside its input.

import { unsupported } from "../../base/errors.js";
import { intOf, intsOf } from "../../ir/attributes.js";
import { label } from "../../ir/model.js";
import type { GradientSite } from "./rule.js";

export interface ReducedAxes {
  /** Ascending, non-negative. */
  readonly axes: readonly number[];
  /** Dimensions of the result with the reduced axes kept as 1. */
  readonly kept: readonly number[];
}

/**
 * Undefined where the node reduces nothing (`noop_with_empty_axes`, scalars): the element is then all there is of its sum.
 * Throws `unsupported("gradient-axes")` for axes that are computed.
 */
export function reducedAxes({ node, emit, input }: GradientSite): ReducedAxes | undefined {
  const dims = emit.dims(input(0));
  const stated = input(1) === "" ? (intsOf(node, "axes") ?? []) : emit.constant(input(1));
  if (stated === undefined) {
    throw unsupported("gradient-axes", `${label(node)} (${node.opType}) computes the axes that it reduces.`, {
      node: label(node),
      expected: "constant axes",
    });
  }
  if (stated.length === 0 && intOf(node, "noop_with_empty_axes", 0) === 1) return undefined;
  const all = stated.length === 0 ? [...dims.keys()] : stated.map((axis) => (axis < 0 ? axis + dims.length : axis));
  const axes = [...new Set(all)].sort((a, b) => a - b);
  if (axes.length === 0) return undefined;
  return { axes, kept: dims.map((size, axis) => (axes.includes(axis) ? 1 : size)) };
}
