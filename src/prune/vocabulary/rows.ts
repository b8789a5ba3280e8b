// Some rows of a tensor, read when they are pulled.

import type { Initializer } from "../../ir/model.js";
import { derivedData, type Tensor } from "../../tensor/tensor.js";

/** Bytes of the source that are read at once, but for a row that is longer. */
const WINDOW = 2 ** 22;

/** The given rows of the first axis: ascending, distinct, within bounds. Types of whole bytes only. */
export function someRows(weight: Tensor, rows: readonly number[]): Initializer {
  const [count = 1, ...rest] = weight.dims;
  const width = weight.data.byteLength / count;
  const together = Math.max(1, Math.floor(WINDOW / Math.max(width, 1)));
  const data = derivedData(rows.length * width, async function* () {
    for (let at = 0; at < rows.length; ) {
      const from = rows[at]!;
      const end = rows.findIndex((row, index) => index >= at && row >= from + together);
      const some = rows.slice(at, end < 0 ? rows.length : end);
      const bytes = await weight.data.read(from * width, (some.at(-1)! + 1) * width);
      const kept = new Uint8Array(some.length * width);
      for (const [index, row] of some.entries()) {
        kept.set(bytes.subarray((row - from) * width, (row - from + 1) * width), index * width);
      }
      yield kept;
      at += some.length;
    }
  });
  return { dtype: weight.dtype, dims: [rows.length, ...rest], data };
}
