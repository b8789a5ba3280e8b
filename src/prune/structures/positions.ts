// Where an element of a weight lies: along the axis that is summed, along that of the outputs, and along all others.

import { elementCount } from "../../tensor/dtype.js";
import type { WeightShape } from "./structure.js";

interface AxisPositions {
  readonly size: number;
  /** Position along the axis of an element, by its index in the weight's own order. */
  at(element: number): number;
}

interface Positions {
  readonly reduction: AxisPositions;
  readonly output: AxisPositions;
  /** Positions of all axes but that of the reduction, and the number of one, in the weight's own order. */
  readonly others: number;
  otherAt(element: number): number;
  /** The same without the output axis too: places of a kernel, matrices of a stack. */
  readonly rest: number;
  restAt(element: number): number;
  /** Axes before both: matrices of a stack (batches, directions), which have rows of their own. */
  readonly leading: number;
  leadingAt(element: number): number;
}

export function positions({ dims, reductionAxis, outputAxis }: WeightShape): Positions {
  const stride = (axis: number) => elementCount(dims.slice(axis + 1));
  const along = (axis: number): AxisPositions => {
    const [size, step] = [dims[axis]!, stride(axis)];
    return { size, at: (element) => Math.floor(element / step) % size };
  };
  const without = (...axes: readonly number[]) => {
    const kept = dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const own = kept.map((axis, at) => ({
      size: dims[axis]!,
      step: stride(axis),
      factor: elementCount(kept.slice(at + 1).map((later) => dims[later]!)),
    }));
    return {
      count: elementCount(kept.map((axis) => dims[axis]!)),
      at(element: number) {
        let index = 0;
        for (const { size, step, factor } of own) index += (Math.floor(element / step) % size) * factor;
        return index;
      },
    };
  };
  const others = without(reductionAxis);
  const rest = without(reductionAxis, outputAxis);
  const first = Math.min(reductionAxis, outputAxis);
  const inner = elementCount(dims.slice(first));
  return {
    reduction: along(reductionAxis),
    output: along(outputAxis),
    others: others.count,
    otherAt: others.at,
    rest: rest.count,
    restAt: rest.at,
    leading: elementCount(dims.slice(0, first)),
    leadingAt: (element) => Math.floor(element / inner),
  };
}
