// A tensor without some positions along some axes, read from its source when it is pulled.

import { byteCount, DTYPES, elementCount } from "../../tensor/dtype.js";
import { derivedData, type Tensor } from "../../tensor/tensor.js";

/** `kept`: ascending positions by axis; axes that are not in it stay whole. Codes below a byte are packed anew. */
export function gathered<T extends Tensor>(source: T, kept: ReadonlyMap<number, readonly number[]>): T {
  const dims = source.dims.map((length, axis) => kept.get(axis)?.length ?? length);
  const data = derivedData(byteCount(source.dtype, dims), async function* () {
    yield pick(await source.data.read(), source, dims, kept);
  });
  return { ...source, dims, data };
}

function pick(
  bytes: Uint8Array,
  { dtype, dims: before }: Tensor,
  dims: readonly number[],
  kept: ReadonlyMap<number, readonly number[]>,
): Uint8Array {
  const { bits } = DTYPES[dtype];
  const result = new Uint8Array(byteCount(dtype, dims));
  // Everything behind the last axis that is cut moves as one.
  const last = Math.max(...kept.keys());
  const run = elementCount(before.slice(last + 1));
  const strides = before.map((_, axis) => elementCount(before.slice(axis + 1)));
  let at = 0;
  const walk = (axis: number, offset: number): void => {
    const positions = kept.get(axis);
    const count = dims[axis]!;
    for (let i = 0; i < count; i++) {
      const from = offset + (positions?.[i] ?? i) * strides[axis]!;
      if (axis < last) walk(axis + 1, from);
      else {
        copy(bytes, from, result, at, run, bits);
        at += run;
      }
    }
  };
  if (result.length > 0) walk(0, 0);
  return result;
}

function copy(from: Uint8Array, start: number, to: Uint8Array, at: number, count: number, bits: number): void {
  if (bits >= 8) {
    const size = bits / 8;
    to.set(from.subarray(start * size, (start + count) * size), at * size);
    return;
  }
  const [each, mask] = [8 / bits, 2 ** bits - 1];
  for (let i = 0; i < count; i++) {
    const [a, b] = [start + i, at + i];
    const code = (from[Math.floor(a / each)]! >> ((a % each) * bits)) & mask;
    to[Math.floor(b / each)]! |= code << ((b % each) * bits);
  }
}
