// Scales of all parts of a weight by one search, and every number rounded to nearest with them.

import type { Coder, Fit } from "./problem.js";
import type { FindScale, ScaleSearch } from "./scale.js";

/** Elements in the order of their parts: those of part p are `order[first[p]]` to `order[first[p + 1] - 1]`. */
export interface Grouping {
  readonly order: Int32Array;
  readonly first: Int32Array;
}

export function grouping(parts: Int32Array, count: number): Grouping {
  const first = new Int32Array(count + 1);
  for (const part of parts) first[part + 1] = first[part + 1]! + 1;
  for (let part = 0; part < count; part++) first[part + 1] = first[part + 1]! + first[part]!;
  const next = first.slice(0, count);
  const order = new Int32Array(parts.length);
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at]!;
    order[next[part]!] = at;
    next[part] = next[part]! + 1;
  }
  return { order, first };
}

/** `importance`: of the element at an index. */
export function findScales(
  weights: Float32Array,
  { order, first }: Grouping,
  find: FindScale,
  importance: ((at: number) => number) | undefined,
): Pick<Fit, "scales" | "zeroPoints"> {
  const count = first.length - 1;
  const scales = new Float32Array(count);
  const zeroPoints = new Uint8Array(count);
  for (let part = 0; part < count; part++) {
    const members = order.subarray(first[part]!, first[part + 1]!);
    const values = Float32Array.from(members, (at) => weights[at]!);
    const found = find(values, importance && Float64Array.from(members, importance));
    scales[part] = found.scale;
    zeroPoints[part] = found.zeroPoint;
  }
  return { scales, zeroPoints };
}

export function roundedToNearest(
  weights: Float32Array,
  parts: Int32Array,
  { scales, zeroPoints }: Pick<Fit, "scales" | "zeroPoints">,
  { coder, factor }: ScaleSearch,
): Fit {
  const places = Uint8Array.from(weights, (weight, at) => {
    const part = parts[at]!;
    return placeOf(coder, weight, factor(scales[part]!), zeroPoints[part]!);
  });
  return { places, scales, zeroPoints };
}

export const placeOf = (coder: Coder, value: number, factor: number, zeroPoint: number): number =>
  factor === 0 ? coder.zero(zeroPoint) : coder.place(value / factor, zeroPoint);
