// From the importance of elements to that of cells, and from the cells that go to the elements.

import { leastOf, orderedKeys } from "../scopes/order.js";
import type { Cells } from "../structures/structure.js";

/**
 * The mean importance of a cell's elements, so that smaller cells at the ends are no less. A cell that is all zero costs
 * nothing: 0, whatever its score. Cells without an element (of a pattern) are below all. `values`: of the weight itself.
 * `elements` are the caller's no more.
 */
export function cellScores(cells: Cells, elements: Float32Array, values: Float32Array): Float32Array {
  if (cells.plain) {
    // In place: of the largest weight every copy counts.
    for (let at = 0; at < values.length; at++) if (values[at] === 0) elements[at] = 0;
    return elements;
  }
  const sums = new Float64Array(cells.count);
  const sizes = new Uint32Array(cells.count);
  const alive = new Uint8Array(cells.count);
  for (let element = 0; element < elements.length; element++) {
    const cell = cells.cellOf(element);
    if (cell < 0) continue;
    sums[cell]! += elements[element]!;
    sizes[cell]!++;
    if (values[element] !== 0) alive[cell] = 1;
  }
  return Float32Array.from(sums, (sum, cell) =>
    sizes[cell] === 0 ? Number.NEGATIVE_INFINITY : alive[cell] === 1 ? sum / sizes[cell]! : 0,
  );
}

/** Which cells go, 1 for each: the `count` least important, lower number first among equals. */
export function leastCells(scores: Float32Array, count: number): Uint8Array {
  const gone = new Uint8Array(scores.length);
  if (count <= 0) return gone;
  const keys = orderedKeys(scores);
  const { key, ties } = leastOf(keys, count);
  let left = ties;
  for (let cell = 0; cell < keys.length; cell++) {
    if (keys[cell]! < key || (keys[cell] === key && left-- > 0)) gone[cell] = 1;
  }
  return gone;
}

/** The same within each group of `of` cells: all but the `stay` most important of every group go. */
export function leastOfGroups(scores: Float32Array, of: number, stay: number): Uint8Array {
  const gone = new Uint8Array(scores.length);
  const order = Array.from({ length: of }, (_, at) => at);
  for (let first = 0; first < scores.length; first += of) {
    // Infinity less infinity is NaN: equal, and the lower number goes.
    order.sort((a, b) => scores[first + a]! - scores[first + b]! || a - b);
    for (let rank = 0; rank < of - stay; rank++) gone[first + order[rank]!] = 1;
  }
  return gone;
}

/** How many elements are in the cells that go. */
export function elementsIn(cells: Cells, gone: Uint8Array, elements: number): number {
  let count = 0;
  for (let element = 0; element < elements; element++) {
    const cell = cells.cellOf(element);
    if (cell >= 0 && gone[cell] === 1) count++;
  }
  return count;
}
