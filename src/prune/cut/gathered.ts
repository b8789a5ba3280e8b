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
  const result = new Uint8Array(byteCount(dtype, dims));
  // Everything behind the last axis that is cut moves as one.
  const last = Math.max(...kept.keys());
  const run = elementCount(before.slice(last + 1));
  const move = copier(DTYPES[dtype].bits)(bytes, result);
  const strides = before.map((_, axis) => elementCount(before.slice(axis + 1)));
  let at = 0;
  const walk = (axis: number, offset: number): void => {
    const positions = kept.get(axis);
    const count = dims[axis]!;
    for (let i = 0; i < count; i++) {
      const from = offset + (positions?.[i] ?? i) * strides[axis]!;
      if (axis < last) walk(axis + 1, from);
      else {
        move(from, at, run);
        at += run;
      }
    }
  };
  if (result.length > 0) walk(0, 0);
  return result;
}

/** Moves `count` elements of one array to another. */
type Move = (start: number, at: number, count: number) => void;

/** Shorter runs are moved one by one: a view for each would take longer. */
const SHORT = 32;

function copier(bits: number): (from: Uint8Array, to: Uint8Array) => Move {
  if (bits < 8) return (from, to) => (start, at, count) => moveCodes(from, start, to, at, count, bits);
  // Whole words, so that no bit of a NaN changes.
  const width = Math.min(bits, 32);
  const words = bits / width;
  return (from, to) => {
    const [a, b] = [view(from, width), view(to, width)];
    return (start, at, count) => {
      const [first, target, length] = [start * words, at * words, count * words];
      if (length > SHORT) b.set(a.subarray(first, first + length), target);
      else for (let i = 0; i < length; i++) b[target + i] = a[first + i]!;
    };
  };
}

function view(bytes: Uint8Array, bits: number): Uint8Array | Uint16Array | Uint32Array {
  if (bits === 8) return bytes;
  const aligned = bytes.byteOffset % (bits / 8) === 0 ? bytes : bytes.slice();
  const { buffer, byteOffset, byteLength } = aligned;
  return bits === 16
    ? new Uint16Array(buffer, byteOffset, byteLength / 2)
    : new Uint32Array(buffer, byteOffset, byteLength / 4);
}

function moveCodes(from: Uint8Array, start: number, to: Uint8Array, at: number, count: number, bits: number): void {
  const [each, mask] = [8 / bits, 2 ** bits - 1];
  for (let i = 0; i < count; i++) {
    const [a, b] = [start + i, at + i];
    const code = (from[Math.floor(a / each)]! >> ((a % each) * bits)) & mask;
    to[Math.floor(b / each)]! |= code << ((b % each) * bits);
  }
}
