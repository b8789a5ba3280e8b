// A weight with its axes in another order, computed when it is pulled.

import { intsOf } from "../ir/attributes.js";
import type { Initializer, Node } from "../ir/model.js";
import { DTYPES } from "../tensor/dtype.js";
import { CHUNK, derivedData } from "../tensor/tensor.js";

/** What a Transpose makes of a constant. Undefined for strings, sub-byte and sparse ones. */
export function transposed(node: Node, weight: Initializer): Initializer | undefined {
  if (weight.sparse) return undefined;
  const size = DTYPES[weight.dtype].bits / 8;
  if (!Number.isInteger(size) || size === 0) return undefined;
  const { dims } = weight;
  const perm = intsOf(node, "perm") ?? dims.map((_, i) => dims.length - 1 - i);
  if (perm.length !== dims.length || new Set(perm).size !== perm.length) return undefined;
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((a, b) => a * b, 1));
  const to = perm.map((axis) => dims[axis]!);
  if (to.includes(undefined as never)) return undefined;
  const steps = perm.map((axis) => strides[axis]!);
  return {
    dtype: weight.dtype,
    dims: to,
    data: derivedData(weight.data.byteLength, async function* () {
      const source = await weight.data.read();
      const count = source.byteLength / size;
      const perPiece = Math.floor(CHUNK / size);
      for (let first = 0; first < count; first += perPiece) {
        yield gather(source, size, first, Math.min(perPiece, count - first), to, steps);
      }
    }),
  };
}

/** Elements [first, first + count) of the result, each taken from where its index leads in the source. */
function gather(
  source: Uint8Array,
  size: number,
  first: number,
  count: number,
  dims: readonly number[],
  steps: readonly number[],
): Uint8Array {
  const result = new Uint8Array(count * size);
  const index = new Array<number>(dims.length).fill(0);
  let rest = first;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    index[axis] = rest % dims[axis]!;
    rest = Math.floor(rest / dims[axis]!);
  }
  let from = index.reduce((sum, i, axis) => sum + i * steps[axis]!, 0);
  const copy = copier(source, result, size);
  for (let i = 0; i < count; i++) {
    copy(from, i);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += steps[axis]!;
      index[axis]!++;
      if (index[axis]! < dims[axis]!) break;
      from -= steps[axis]! * dims[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}

/** Copies one element; whole words where the source is aligned to them. Integers only: a float copy may alter a NaN. */
function copier(source: Uint8Array, result: Uint8Array, size: number): (from: number, to: number) => void {
  if (source.byteOffset % size === 0 && (size === 4 || size === 2)) {
    const [a, b] = size === 4 ? [words32(source), words32(result)] : [words16(source), words16(result)];
    return (from, to) => {
      b[to] = a[from]!;
    };
  }
  return (from, to) => {
    for (let byte = 0; byte < size; byte++) result[to * size + byte] = source[from * size + byte]!;
  };
}

const words32 = (bytes: Uint8Array) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
const words16 = (bytes: Uint8Array) => new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 2);
