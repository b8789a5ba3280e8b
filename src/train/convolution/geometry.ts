// Where the windows of a convolution or pooling lie, in numbers: one reading of pads, auto_pad, strides and dilations for
// all rules that walk over windows.

import { intsOf, stringOf } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";

/** Per spatial axis. Window `o` reads the elements `o * stride - begin + k * dilation`, `k` from 0 below the kernel's size. */
export interface Windows {
  /** Sizes of what the windows read, and how many windows there are. */
  readonly input: readonly number[];
  readonly output: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first element. */
  readonly begins: readonly number[];
  /** How far the last window reaches past the last element; negative where it leaves elements out. */
  readonly ends: readonly number[];
}

/** Of x [batch, channels, ...input] to y [batch, filters, ...output] with w [filters, channels / groups, ...kernel]. */
export interface Convolution extends Windows {
  readonly batch: number;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
}

/** `input` and `output`: dimensions of the tensors, batch and channels included. */
export function windowsOf(
  node: Node,
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
): Windows {
  const strides = intsOf(node, "strides") ?? kernel.map(() => 1);
  const dilations = intsOf(node, "dilations") ?? kernel.map(() => 1);
  const from = input.slice(2);
  const to = output.slice(2);
  const reach = kernel.map((size, axis) => (to[axis]! - 1) * strides[axis]! + (size - 1) * dilations[axis]! + 1);
  const begins = beginsOf(node, from, reach);
  const ends = reach.map((size, axis) => size - from[axis]! - begins[axis]!);
  return { input: from, output: to, kernel, strides, dilations, begins, ends };
}

/** Padding before the first element. `reach`: from the first element of the first window to the last of the last. */
function beginsOf(node: Node, input: readonly number[], reach: readonly number[]): number[] {
  const auto = stringOf(node, "auto_pad", "NOTSET");
  if (auto === "SAME_UPPER" || auto === "SAME_LOWER") {
    return reach.map((size, axis) => {
      const total = Math.max(0, size - input[axis]!);
      return auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    });
  }
  const pads = auto === "VALID" ? undefined : intsOf(node, "pads");
  return pads?.slice(0, reach.length) ?? reach.map(() => 0);
}

/** From the first to the last element of one window, both included. */
export const spanOf = (windows: Windows, axis: number): number =>
  (windows.kernel[axis]! - 1) * windows.dilations[axis]! + 1;

/** All positions in a window, the last axis fastest. */
export function positions(kernel: readonly number[]): number[][] {
  return kernel.reduce<number[][]>(
    (lead, size) => lead.flatMap((position) => Array.from({ length: size }, (_, k) => [...position, k])),
    [[]],
  );
}

/** One element a window, each read once and none padded: the convolution is a product of matrices. */
export const isPointwise = (windows: Windows): boolean => windows.kernel.every((size) => size === 1);

/** Windows of the convolution whose input gradient a ConvTranspose is: they read its output, and give its input. */
export function transposedWindowsOf(
  node: Node,
  input: readonly number[],
  output: readonly number[],
  kernel: readonly number[],
): Windows {
  const strides = intsOf(node, "strides") ?? kernel.map(() => 1);
  const dilations = intsOf(node, "dilations") ?? kernel.map(() => 1);
  const small = input.slice(2);
  const large = output.slice(2);
  const reach = kernel.map((size, axis) => (small[axis]! - 1) * strides[axis]! + (size - 1) * dilations[axis]! + 1);
  const auto = stringOf(node, "auto_pad", "NOTSET");
  const stated = intsOf(node, "output_shape");
  const extra = intsOf(node, "output_padding");
  const pads = intsOf(node, "pads");
  const begins = reach.map((size, axis) => {
    const same = auto === "SAME_UPPER" || auto === "SAME_LOWER";
    if (stated === undefined && !same) return auto === "VALID" ? 0 : (pads?.[axis] ?? 0);
    // The padding follows from the output's size, whatever `pads` and "VALID" say (so ONNX Runtime has it).
    const total = Math.max(0, size + (extra?.[axis] ?? 0) - large[axis]!);
    return auto === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
  });
  const ends = reach.map((size, axis) => size - large[axis]! - begins[axis]!);
  return { input: large, output: small, kernel, strides, dilations, begins, ends };
}
