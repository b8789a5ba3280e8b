// How a weight is cut into parts that share one scale, in its own order of elements: as a matrix whose rows or columns are
// the parts, or whose blocks are.

import { channelAxis, matrixUses, type Weight } from "../weights/weights.js";
import type { Settings } from "./options.js";

/** The weight as a matrix [rows, columns], one scale for each `block` elements along an axis; the last block may be short. */
export interface Cut {
  readonly granularity: "tensor" | "channel" | "block";
  readonly rows: number;
  readonly columns: number;
  readonly along: "rows" | "columns";
  /** 1 .. the length of that axis. */
  readonly block: number;
  /** Channels in the middle of other axes: row r belongs to channel r mod `repeats`. Else each row or column is one. */
  readonly repeats?: number;
}

/** Scales of a cut, as a matrix in the order of the weight. */
export function scaleMatrix({ rows, columns, along, block, repeats }: Cut): readonly [rows: number, columns: number] {
  if (repeats !== undefined) return [repeats, 1];
  return along === "rows" ? [Math.ceil(rows / block), columns] : [rows, Math.ceil(columns / block)];
}

/** Shorter rows have no blocks of their own unless blocks are asked for. */
const SHORTEST = 16;

const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);

/** One scale for all. */
export function tensorCut({ elements }: Weight): Cut {
  return { granularity: "tensor", rows: 1, columns: elements, along: "columns", block: elements };
}

/** One scale for each index of the axis of output channels (or table rows); of a recurrent layer, in each direction. */
export function channelCut(weight: Weight): Cut {
  const { dims } = weight.tensor;
  const axis = channelAxis(weight);
  if (axis === undefined) return tensorCut(weight);
  const channels = dims[axis]!;
  const outer = product(dims.slice(0, axis));
  const inner = product(dims.slice(axis + 1));
  const leading = matrixUses(weight)[0]?.use.role === "recurrent";
  if (leading || outer === 1) {
    return { granularity: "channel", rows: outer * channels, columns: inner, along: "columns", block: inner };
  }
  if (inner === 1) return { granularity: "channel", rows: outer, columns: channels, along: "rows", block: outer };
  return {
    granularity: "channel",
    rows: outer * channels,
    columns: inner,
    along: "columns",
    block: inner,
    repeats: channels,
  };
}

/** Blocks along the axis that is summed over, or along a row of a table; or why there are none. */
export function blockCut(
  weight: Weight,
  { block, granularity }: Pick<Settings, "block" | "granularity">,
): Cut | { readonly obstacle: string } {
  const { dims } = weight.tensor;
  const shortest = granularity === "block" ? 2 : SHORTEST;
  const axis = channelAxis(weight);
  const along = (rows: number, columns: number, by: "rows" | "columns", size = block): Cut => ({
    granularity: "block",
    rows,
    columns,
    along: by,
    block: Math.min(size, by === "rows" ? rows : columns),
  });
  if (dims.length < 2 || axis === undefined) {
    return weight.elements < SHORTEST ? TOO_SHORT : along(1, weight.elements, "columns");
  }
  if (axis === dims.length - 1) {
    const rows = product(dims.slice(0, -1));
    const depth = dims[axis - 1]!;
    // A block that straddled two matrices of a batch would give one scale to both.
    const size = rows === depth ? block : dividing(depth, block);
    if (Math.min(size, rows) < shortest) return TOO_SHORT;
    return along(rows, dims[axis]!, "rows", size);
  }
  // ConvTranspose has its channels in the middle, before a few kernel elements: then the first axis makes the rows.
  const at = product(dims.slice(axis + 1)) < SHORTEST ? 0 : axis;
  const columns = product(dims.slice(at + 1));
  return columns < shortest ? TOO_SHORT : along(product(dims.slice(0, at + 1)), columns, "columns");
}

/** The largest size up to `block` of which `length` is a multiple. */
function dividing(length: number, block: number): number {
  if (length <= block) return length;
  let size = block;
  while (length % size !== 0) size--;
  return size;
}

const TOO_SHORT = { obstacle: "its rows are too short for blocks" };
