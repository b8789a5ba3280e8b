// How a weight is cut for quantization: which axis has scales of its own, and which way products read it.

import { intOf } from "../ir/attributes.js";
import { matrixOrder, ownAxis } from "../weights/views.js";
import { channelAxis, matrixUses, type Weight } from "../weights/weights.js";
import type { LinearLayout } from "./computation.js";
import type { Settings } from "./options.js";

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
