// How an operator sees a weight through nodes that only rearrange it: which axis it sees is which axis of the weight.
// A view is strided: each axis is a list of factors, and a factor is a size and a distance in the weight's own elements.

import { intOf, intsOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { DTYPES, type DType } from "../tensor/dtype.js";

interface Factor {
  readonly size: number;
  readonly stride: number;
}

export interface View {
  readonly dtype: DType;
  /** Outermost factor first; adjacent factors that make one are one; axes of size 1 have none. */
  readonly axes: readonly (readonly Factor[])[];
}

/** Small integer constants by name, as far as they are known: shapes and axes. */
export type Integers = (name: string) => readonly number[] | undefined;

/** The weight as it stands. */
export const wholeView = (dtype: DType, dims: readonly number[]): View => ({
  dtype,
  axes: dims.map((size, axis) => joined([{ size, stride: product(dims.slice(axis + 1)) }])),
});

/** The view after a node that takes it as its first input; undefined where the node does more than rearrange or convert. */
export function viewThrough(node: Node, view: View, integers: Integers): View | undefined {
  if (node.domain !== "" || node.outputs.length !== 1) return undefined;
  const rank = view.axes.length;
  switch (node.opType) {
    case "Identity":
      return view;
    case "Cast": {
      const dtype = FLOATS.find((name) => DTYPES[name].code === intOf(node, "to", 0));
      return dtype && { ...view, dtype };
    }
    case "Transpose": {
      const order = intsOf(node, "perm") ?? view.axes.map((_, axis) => rank - 1 - axis);
      return order.length === rank ? { ...view, axes: order.map((axis) => view.axes[axis] ?? []) } : undefined;
    }
    case "Flatten": {
      const axis = counted(intOf(node, "axis", 1), rank);
      return { ...view, axes: [joined(view.axes.slice(0, axis).flat()), joined(view.axes.slice(axis).flat())] };
    }
    case "Reshape": {
      // Up to opset 4 the shape was an attribute.
      const wanted = node.inputs[1] ? integers(node.inputs[1]) : intsOf(node, "shape");
      const dims = wanted && settled(wanted, view, intOf(node, "allowzero", 0) !== 0);
      const axes = dims && regrouped(view.axes.flat(), dims);
      return axes && { ...view, axes };
    }
    case "Squeeze": {
      const axes = axesOf(node, integers);
      if (axes === undefined && node.inputs[1]) return undefined;
      const gone = axes?.map((axis) => counted(axis, rank));
      return {
        ...view,
        axes: view.axes.filter((factors, axis) => (gone ? !gone.includes(axis) : factors.length > 0)),
      };
    }
    case "Unsqueeze": {
      const axes = axesOf(node, integers);
      if (axes === undefined) return undefined;
      const added = new Set(axes.map((axis) => counted(axis, rank + axes.length)));
      const rest = view.axes.values();
      return {
        ...view,
        axes: Array.from({ length: rank + axes.length }, (_, axis) => (added.has(axis) ? [] : rest.next().value!)),
      };
    }
    default:
      return undefined;
  }
}

export const viewDims = (view: View): readonly number[] => view.axes.map((factors) => product(factors.map(sizeOf)));

/** The axis of the weight that axis `seen` of the view is, exactly; undefined where it is part of one or several. */
export function ownAxis(view: View, seen: number, dims: readonly number[]): number | undefined {
  const [factor, ...more] = view.axes[seen] ?? [];
  if (factor === undefined || more.length > 0) return undefined;
  const axis = dims.findIndex((size, at) => size === factor.size && product(dims.slice(at + 1)) === factor.stride);
  return axis < 0 ? undefined : axis;
}

/** The outermost axis of the weight that axis `seen` has a part of; undefined when it has size 1 or does not exist. */
export function overlappingAxis(view: View, seen: number, dims: readonly number[]): number | undefined {
  const [outermost] = view.axes[seen] ?? [];
  if (outermost === undefined) return undefined;
  const reach = outermost.size * outermost.stride;
  const axis = dims.findIndex((size, at) => size > 1 && product(dims.slice(at + 1)) < reach);
  return axis < 0 ? undefined : axis;
}

/**
 * A weight seen as a matrix of two axes that stands in the file as one: "rows" when it is [first, second] there, row
 * after row, "columns" when it is [second, first]. Undefined: neither.
 */
export function matrixOrder(view: View): "rows" | "columns" | undefined {
  if (view.axes.length !== 2) return undefined;
  const [first, second] = view.axes.map(([factor, ...more]) => (more.length > 0 ? undefined : (factor ?? ONE)));
  if (first === undefined || second === undefined) return undefined;
  if ((second === ONE || second.stride === 1) && (first === ONE || first.stride === second.size)) return "rows";
  if ((first === ONE || first.stride === 1) && (second === ONE || second.stride === first.size)) return "columns";
  return undefined;
}

/** An axis of size 1 lies at any distance. */
const ONE: Factor = { size: 1, stride: 1 };

const FLOATS: readonly DType[] = ["float32", "float16", "bfloat16", "float64"];
const sizeOf = ({ size }: Factor) => size;
const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
const counted = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

const axesOf = (node: Node, integers: Integers) => (node.inputs[1] ? integers(node.inputs[1]) : intsOf(node, "axes"));

/** One list of factors in place of an axis: neighbours that lie side by side become one. */
function joined(factors: readonly Factor[]): readonly Factor[] {
  const made: Factor[] = [];
  for (const factor of factors) {
    if (factor.size === 1) continue;
    const last = made.at(-1);
    if (last && last.stride === factor.size * factor.stride)
      made[made.length - 1] = { size: last.size * factor.size, stride: factor.stride };
    else made.push(factor);
  }
  return made;
}

/** A shape as Reshape states it, with 0 (as it was) and -1 (what is left) filled in. */
function settled(wanted: readonly number[], view: View, allowZero: boolean): readonly number[] | undefined {
  const before = viewDims(view);
  const dims = wanted.map((dim, at) => (dim === 0 && !allowZero ? (before[at] ?? 0) : dim));
  const known = product(dims.filter((dim) => dim >= 0));
  const filled = dims.map((dim) => (dim === -1 ? product(before) / known : dim));
  const whole = filled.every((dim) => Number.isInteger(dim) && dim > 0);
  return whole && product(filled) === product(before) ? filled : undefined;
}

/** The same elements in the same order under other dimensions; undefined where a dimension cuts a factor unevenly. */
function regrouped(factors: readonly Factor[], dims: readonly number[]): View["axes"] | undefined {
  const left = [...joined(factors)].reverse();
  const axes: (readonly Factor[])[] = [];
  // From the innermost axis out: each takes the factors under it, and cuts the last where it ends inside.
  for (const dim of [...dims].reverse()) {
    const taken: Factor[] = [];
    for (let open = dim; open > 1; ) {
      const factor = left.shift();
      if (factor === undefined) return undefined;
      const size = Math.min(open, factor.size);
      if (open % size !== 0 || factor.size % size !== 0) return undefined;
      taken.unshift({ size, stride: factor.stride });
      if (size < factor.size) left.unshift({ size: factor.size / size, stride: factor.stride * size });
      open /= size;
    }
    axes.unshift(joined(taken));
  }
  return axes;
}
