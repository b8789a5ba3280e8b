// A weight as fitting methods see it: its numbers in their own order, which of them share a scale, and which of them meet the
// same input of the product.

import { coderOf } from "../../kernels/encode-grid.js";
import type { EncodeLayout } from "../../kernels/slabs.js";
import type { Cut } from "../cut.js";

export type Coder = ReturnType<typeof coderOf>;
export type Finding = Pick<EncodeLayout, "scaling" | "scaleFormat" | "tensorScale" | "range"> & {
  readonly grid: EncodeLayout["grids"][number];
};

/** What shares a scale: the fields of a `Cut`, or of the layout of a native operator. */
export type Sharing = Pick<Cut, "rows" | "columns" | "along" | "block" | "repeats">;

/** How many scales there are, in the weight's own order of scales. */
export function partCount({ rows, columns, along, block, repeats }: Sharing): number {
  if (repeats !== undefined) return repeats;
  return along === "rows" ? Math.ceil(rows / block) * columns : rows * Math.ceil(columns / block);
}

/** The scale of each element, elements and scales in the weight's own order: [rows, columns] of the sharing, row after row. */
export function partsOf(sharing: Sharing): Int32Array {
  const { rows, columns, along, block, repeats } = sharing;
  const parts = new Int32Array(rows * columns);
  const blocks = Math.ceil(columns / block);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      if (repeats !== undefined) parts[at] = row % repeats;
      else if (along === "rows") parts[at] = Math.floor(row / block) * columns + column;
      else parts[at] = row * blocks + Math.floor(column / block);
    }
  }
  return parts;
}

/** Codes (places on the grid: indices of its levels in ascending order), and the scales and zero points that they were made for. */
export interface Fit {
  readonly places: Uint8Array;
  readonly scales: Float32Array;
  readonly zeroPoints: Uint8Array;
}

/** The numbers that places stand for. */
export function decoded({ places, scales, zeroPoints }: Fit, parts: Int32Array, coder: Coder, tensorScale: number) {
  return Float32Array.from(places, (place, at) => {
    const part = parts[at]!;
    return coder.level(place, zeroPoints[part]!) * Math.fround(scales[part]! * tensorScale);
  });
}

export { coderOf };
