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
 * No axes where the node reduces nothing (`noop_with_empty_axes`, scalars): each element is then a reduction of its own.
 * Throws `unsupported("gradient-axes")` for axes that are computed.
 */
export function reducedAxes({ node, emit, input }: GradientSite): ReducedAxes {
  const dims = emit.dims(input(0));
  const stated = input(1) === "" ? (intsOf(node, "axes") ?? []) : emit.constant(input(1));
  if (stated === undefined) {
    throw unsupported("gradient-axes", `${label(node)} (${node.opType}) computes the axes that it reduces.`, {
      node: label(node),
      expected: "constant axes",
    });
  }
  const every = stated.length === 0 && intOf(node, "noop_with_empty_axes", 0) === 0;
  const listed = every ? [...dims.keys()] : stated.map((axis) => (axis < 0 ? axis + dims.length : axis));
  const axes = [...new Set(listed)].sort((a, b) => a - b);
  return { axes, kept: dims.map((size, axis) => (axes.includes(axis) ? 1 : size)) };
}
