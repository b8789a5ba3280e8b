// An average over windows: each window's gradient, divided by how many elements it counts, goes to all that it read.

import { intOf, intsOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { product } from "../../ops/operator.js";
import { type Windows, windowsOf } from "../convolution/geometry.js";
import { spreadWindows } from "../convolution/spread.js";
import type { Emitter } from "../emitter.js";
import { defineGradient } from "./rule.js";

export const averagePool = defineGradient({
  name: "average-pool",
  summary: "AveragePool: pads, count_include_pad, ceil_mode, dilations",
  operators: ["AveragePool"],
  backward({ node, emit, input, gradient }) {
    const dy = gradient(0)!;
    const windows = windowsOf(node, emit.dims(input(0)), emit.dims(dy), intsOf(node, "kernel_shape")!);
    return [spreadWindows(emit, windows, divided(emit, node, windows, dy))];
  },
});

/** `dy` over how many elements each window counts: one number, or one a window where padding is not counted. */
function divided(emit: Emitter, node: Node, windows: Windows, dy: string): string {
  const counts = windows.kernel.map((_, axis) => countsAlong(node, windows, axis));
  if (counts.every((along) => along.every((count) => count === along[0]))) {
    return emit.scale(dy, 1 / product(counts.map((along) => along[0]!)));
  }
  // The count of a window is the product of those along each axis.
  const all = counts.reduce<number[]>((lead, along) => lead.flatMap((a) => along.map((b) => a * b)), [1]);
  const factors = all.map((count) => 1 / count);
  return emit.mul(dy, emit.floats(windows.output, factors, emit.dtype(dy)));
}

function countsAlong(node: Node, windows: Windows, axis: number): number[] {
  const included = intOf(node, "count_include_pad", 0) === 1;
  const size = windows.input[axis]!;
  const begin = windows.begins[axis]!;
  // In ceil_mode the last window may reach past the padding: what lies beyond is never counted.
  const end = intsOf(node, "pads")?.[windows.kernel.length + axis] ?? Math.max(0, windows.ends[axis]!);
  const [low, high] = included ? [-begin, size + end] : [0, size];
  return Array.from({ length: windows.output[axis]! }, (_, o) => {
    const start = o * windows.strides[axis]! - begin;
    const read = Array.from({ length: windows.kernel[axis]! }, (_, k) => start + k * windows.dilations[axis]!);
    return read.filter((at) => at >= low && at < high).length;
  });
}
