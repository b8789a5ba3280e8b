// The shapes in which packed planes decode: bytes and tables are given dimensions such that what one Gather gives needs no
// Reshape before it is added to the next plane and multiplied by its scales.

import type { Packing } from "../../tensor/packing.js";
import { type Cut, scaleMatrix } from "../cut.js";

export interface Decoding {
  /** For each plane: dimensions of its bytes, and of its table after the leading 256 (none: one number a byte). */
  readonly planes: readonly { readonly bytes: readonly number[]; readonly table: readonly number[] }[];
  /**
   * none: planes decode to what scales are multiplied to. whole: they decode to the same shape, and are given `view` by a Reshape.
   * apart: each is made flat and cut to the number of elements first.
   */
  readonly joined: "none" | "whole" | "apart";
  /** Planes whose last byte is not full, where `joined` is "apart". */
  readonly padded: readonly boolean[];
  /** The shape that scales are multiplied to. */
  readonly view: readonly number[];
  /** The dimensions of the scales (and zero points), which broadcast to `view`. */
  readonly scales: readonly number[];
  /** The last block is short: scales stand as a matrix, and are spread to rows or columns along this axis of it. */
  readonly spread?: 0 | 1;
}

/** How a weight of `dims`, cut in parts, is decoded from the planes of a packing. */
export function decodingShapes(packing: Packing, cut: Cut, dims: readonly number[]): Decoding {
  const { rows, columns } = cut;
  const count = rows * columns;
  const plain = plainView(cut);
  const eaches = packing.planes.map(({ each }) => each);
  const most = Math.max(...eaches);
  const suffix = suffixOf(eaches);
  const { spread } = plain;
  const last = plain.view.at(-1)!;
  const own = cut.granularity !== "block";
  if (most === 1 && own) {
    const shape = naturalView(cut, dims);
    return { planes: eaches.map(() => ({ bytes: shape.view, table: [] })), joined: "none", padded: [], ...shape };
  }
  if (last % most === 0 && spread === undefined) {
    const split = (sizes: readonly number[]) => {
      if (sizes.length === 0 || most === 1) return sizes;
      const end = sizes.at(-1)!;
      return end === 1 && last !== 1
        ? [...sizes, ...suffix.map(() => 1)]
        : [...sizes.slice(0, -1), end / most, ...suffix];
    };
    const before = most === 1 ? plain.view : [...plain.view.slice(0, -1), last / most];
    return {
      planes: planesOf(eaches, before, suffix),
      joined: "none",
      padded: [],
      view: split(plain.view),
      scales: split(plain.scales),
    };
  }
  // Scales that broadcast to the weight's own dimensions spare the last Reshape.
  const shape = own ? naturalView(cut, dims) : plain;
  const even = count % most === 0;
  return {
    planes: even
      ? planesOf(eaches, [count / most], suffix)
      : eaches.map((each) => ({ bytes: [Math.ceil(count / each)], table: each === 1 ? [] : [each] })),
    joined: even ? "whole" : "apart",
    padded: eaches.map((each) => count % each !== 0),
    ...shape,
  };
}

interface Shape {
  readonly view: readonly number[];
  readonly scales: readonly number[];
  readonly spread?: 0 | 1;
}

/** The weight as its cut sees it, blocks as an axis of their own. */
function plainView(cut: Cut): Shape {
  const { granularity, rows, columns, along, block, repeats } = cut;
  if (granularity === "tensor") return { view: [columns], scales: [] };
  if (repeats !== undefined) return { view: [rows / repeats, repeats, columns], scales: [repeats, 1] };
  const [high, wide] = scaleMatrix(cut);
  const inner = along === "rows" ? rows : columns;
  if (block === inner) return { view: [rows, columns], scales: [high, wide] };
  if (inner % block !== 0) return { view: [rows, columns], scales: [high, wide], spread: along === "rows" ? 0 : 1 };
  return along === "rows"
    ? { view: [high, block, columns], scales: [high, 1, columns] }
    : { view: [rows, wide, block], scales: [rows, wide, 1] };
}

/** The weight in its own dimensions, scales of channels as they broadcast to them. */
function naturalView(cut: Cut, dims: readonly number[]): Shape {
  if (cut.granularity === "tensor") return { view: dims, scales: [] };
  const ones = (count: number) => Array<number>(count).fill(1);
  // Trailing axes whose product is the length of a row have no scales of their own; nor have axes of one.
  let trailing = 0;
  const length = cut.along === "rows" ? 1 : cut.columns;
  for (let size = 1; size < length; trailing++) size *= dims[dims.length - 1 - trailing]!;
  while (trailing < dims.length && dims[dims.length - 1 - trailing] === 1) trailing++;
  const middle = cut.repeats ?? (cut.along === "rows" ? cut.columns : undefined);
  const leading = middle === undefined ? dims.slice(0, dims.length - trailing) : [middle];
  return { view: dims, scales: middle === 1 ? [1] : [...leading, ...ones(trailing)] };
}

/** What the largest `each` falls apart into, so that the bytes of each plane are a leading part: [8/4, 4] for 4 and 8. */
function suffixOf(eaches: readonly number[]): readonly number[] {
  const sizes = [...new Set(eaches)].sort((a, b) => a - b).filter((each) => each > 1);
  return sizes.map((each, at) => each / (sizes[at - 1] ?? 1)).reverse();
}

function planesOf(eaches: readonly number[], before: readonly number[], suffix: readonly number[]): Decoding["planes"] {
  return eaches.map((each) => {
    const table: number[] = [];
    for (let at = suffix.length - 1, held = 1; held < each; at--) {
      table.unshift(suffix[at]!);
      held *= suffix[at]!;
    }
    return { bytes: [...before, ...suffix.slice(0, suffix.length - table.length)], table };
  });
}
