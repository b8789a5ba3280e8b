// IDX files (MNIST): a magic number, big-endian dimensions, big-endian elements. http://yann.lecun.com/exdb/mnist/

import { invalid } from "../base/errors.js";
import type { Value } from "../tensor/value.js";
import { type Element, elementBytes, elements } from "./elements.js";
import type { Place } from "./reader.js";

const TYPES: Readonly<Record<number, Element>> = {
  8: "uint8",
  9: "int8",
  11: "int16",
  12: "int32",
  13: "float32",
  14: "float64",
};

export interface IdxFile {
  /** Length of the first dimension. */
  readonly size: number;
  /** The other dimensions. */
  readonly shape: readonly number[];
  /** `count` items from `index`, dims [count, ...shape]. */
  read(index: number, count: number): Promise<Value>;
}

/** Opens an IDX file, `.gz` too. Throws `invalid("data-idx")` when it is not one or is cut off. */
export async function openIdx(path: string, place: Place): Promise<IdxFile> {
  const source = await place.source(path);
  const head = await source.read(0, Math.min(source.size, 4 + 4 * 8));
  const dtype = TYPES[head[2] ?? 0];
  const rank = head[3] ?? 0;
  if (head[0] !== 0 || head[1] !== 0 || !dtype || rank < 1 || rank > 8 || head.length < 4 + 4 * rank) {
    throw invalid("data-idx", `${path} is not an IDX file.`, {
      found: `it begins with ${head.subarray(0, 4).join(" ")}`,
    });
  }
  const view = new DataView(head.buffer, head.byteOffset);
  const [size = 0, ...shape] = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const start = 4 + 4 * rank;
  const item = shape.reduce((product, dim) => product * dim, elementBytes(dtype));
  if (start + size * item > source.size) {
    throw invalid("data-idx", `${path} is cut off.`, {
      expected: `${start + size * item} bytes`,
      found: `${source.size} bytes`,
    });
  }
  return {
    size,
    shape,
    read: async (index, count) =>
      elements(await source.read(start + index * item, count * item), dtype, "big", [count, ...shape]),
  };
}
