// How a weight is cut for quantization: which axis has scales of its own, and which way blocks run.

import { intOf } from "../ir/attributes.js";
import type { BlockLayout, LinearLayout } from "./computation.js";
import type { Settings } from "./options.js";
import { matrixOrder, ownAxis } from "./views.js";
import { channelAxis, matrixUses, type Weight } from "./weights.js";

export { channelAxis } from "./weights.js";

/** 8 and 16-bit codes: signed around 0, or unsigned, around 128 (32768) when symmetric. `low` and `high` may be narrowed. */
export function linearLayout(
  weight: Weight,
  settings: Pick<Settings, "granularity" | "format" | "symmetric">,
): LinearLayout {
  const signed = settings.format.low < 0;
  const axis = settings.granularity === "tensor" ? undefined : channelAxis(weight);
  const zeroPoint = signed ? 0 : 2 ** (settings.format.bits - 1);
  // Symmetric signed codes leave out the lowest, so that a weight and its negative are equally far.
  const low = signed && settings.symmetric ? -settings.format.high : settings.format.low;
  const leading = axis !== undefined && axis > 0 && matrixUses(weight)[0]?.use.role === "recurrent";
  return { axis, leading, low, high: settings.format.high, asymmetric: !settings.symmetric, zeroPoint };
}

/** Blocks along the axis that is summed over, or along a row of a table, or why there are none. */
export function blockLayout(
  weight: Weight,
  settings: Pick<Settings, "block" | "format" | "symmetric">,
): BlockLayout | { readonly obstacle: string } {
  const { dims } = weight.tensor;
  const axis = channelAxis(weight);
  if (axis === undefined || dims.length < 2) return TOO_SHORT;
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  const rest = { block: settings.block, bits: settings.format.bits as 4 | 8, symmetric: settings.symmetric };
  if (axis === dims.length - 1) {
    const rows = product(dims.slice(0, -1));
    // Matrices one after the other are cut as one: a block that straddled two would give one scale to both.
    const single = rows === dims[axis - 1]!;
    const block = single ? fitting(rows, rest.block) : dividing(dims[axis - 1]!, rest.block);
    if (rows < SHORTEST) return TOO_SHORT;
    if (block === undefined) return { obstacle: `its matrices of ${dims[axis - 1]} rows are no whole blocks` };
    return { rows, columns: dims[axis]!, along: "rows", ...rest, block };
  }
  // ConvTranspose has its channels in the middle, before a few kernel elements: then the first axis makes the rows.
  const at = product(dims.slice(axis + 1)) < SHORTEST ? 0 : axis;
  const columns = product(dims.slice(at + 1));
  if (columns < SHORTEST) return TOO_SHORT;
  return {
    rows: product(dims.slice(0, at + 1)),
    columns,
    along: "columns",
    ...rest,
    block: fitting(columns, rest.block),
  };
}

/** A row shorter than a block takes the smallest block that holds it, so that little is padded. */
function fitting(length: number, block: number): number {
  let size = block;
  while (size > SHORTEST && size / 2 >= length) size /= 2;
  return size;
}

/** The largest block up to `block` of which `length` is a multiple. */
function dividing(length: number, block: number): number | undefined {
  let size = block;
  while (size >= SHORTEST && length % size !== 0) size /= 2;
  return size >= SHORTEST ? size : undefined;
}

const SHORTEST = 16;
const TOO_SHORT = { obstacle: "its rows are too short for blocks" };

/** For each use: whether a product reads the weight as [K, N] ("rows": blocks run along rows) or [N, K]; undefined: neither. */
export function productAlong(
  consumer: Weight["consumers"][number],
  dims: readonly number[],
): "rows" | "columns" | undefined {
  const { node, input, path, view } = consumer;
  if (node === undefined || dims.length !== 2 || input !== 1 || node.domain !== "") return undefined;
  if (node.opType !== "MatMul" && node.opType !== "Gemm") return undefined;
  if (path.length > 0 && !rearranged(consumer, dims)) return undefined;
  const transposed = node.opType === "Gemm" && intOf(node, "transB", 0) !== 0;
  const swapped = path.length > 0 && matrixOrder(view) === "columns";
  return transposed === swapped ? "rows" : "columns";
}

/** Whether both axes that it sees are axes of the weight, and the numbers are of the same type. */
const rearranged = ({ view, path }: Weight["consumers"][number], dims: readonly number[]) =>
  view.axes.length === 2 &&
  [0, 1].every((axis) => ownAxis(view, axis, dims) !== undefined) &&
  path.every(({ opType }) => opType !== "Cast");
