// The .npy format: a header that is a Python literal, then the elements in C or Fortran order.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html

import type { ByteSource } from "../base/bytes.js";
import { invalid, unsupported } from "../base/errors.js";
import type { Value } from "../tensor/value.js";
import { type Element, elementBytes, elements } from "./elements.js";

const KINDS: Readonly<Record<string, Element>> = {
  f2: "float16",
  f4: "float32",
  f8: "float64",
  i1: "int8",
  i2: "int16",
  i4: "int32",
  i8: "int64",
  u1: "uint8",
  u2: "uint16",
  u4: "uint32",
  u8: "uint64",
  b1: "bool",
};

/** More than any header that numpy writes; a bound before it is read. */
const HEADER = 2 ** 20;

export interface NumpyArray {
  readonly name: string;
  readonly dims: readonly number[];
  /** `count` items along the first axis from `index`, dims [count, ...]. A scalar array is its own single item. */
  read(index: number, count: number): Promise<Value>;
}

/** Opens an array; C-order data is read item by item. Throws `invalid("data-npy")` when it is not one or is cut off. */
export async function openNpy(source: ByteSource, name: string): Promise<NumpyArray> {
  const wrong = (message: string) =>
    invalid("data-npy", `${name} is not a usable .npy array: ${message}.`, { node: name });
  const head = await source.read(0, Math.min(12, source.size));
  if (head.length < 10 || String.fromCharCode(...head.subarray(1, 6)) !== "NUMPY" || head[0] !== 0x93) {
    throw wrong("it does not begin as one");
  }
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const long = head[6]! >= 2;
  if (long && head.length < 12) throw wrong("it is cut off");
  const length = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (long ? 12 : 10) + length;
  if (length > HEADER || start > source.size) throw wrong("its header is cut off");
  const header = new TextDecoder("utf-8").decode(await source.read(start - length, length));
  const descr = /'descr'\s*:\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape'\s*:\s*\(([^)]*)\)/.exec(header)?.[1];
  if (shape === undefined) throw wrong("its header states no shape");
  const dims = shape.split(",").flatMap((dim) => (dim.trim() === "" ? [] : [Number(dim)]));
  if (!dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0)) throw wrong(`its shape is (${shape})`);
  const [, order = "", kind = ""] = /^([<>|=])([a-zA-Z]\d+)$/.exec(descr ?? "") ?? [];
  const dtype = KINDS[kind];
  const text = /^[US]/.test(kind);
  if (!dtype && !text) {
    throw unsupported("data-npy-dtype", `${name} has elements that cannot be fed.`, {
      expected: `numbers: ${Object.keys(KINDS).join(", ")}, or text (U, S)`,
      found: descr ?? "a structured or object array",
    });
  }
  const width = dtype ? elementBytes(dtype) : Number(kind.slice(1)) * (kind[0] === "U" ? 4 : 1);
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (start + count * width > source.size)
    throw wrong(`it is cut off: ${start + count * width} bytes wanted, ${source.size} there`);
  const endian = order === ">" ? "big" : "little";
  const decode = (bytes: Uint8Array, shapeOf: readonly number[]): Value =>
    dtype
      ? elements(bytes, dtype, endian, shapeOf)
      : { dtype: "string", dims: shapeOf, data: strings(bytes, width, kind[0] === "U", endian === "little") };
  const item = (count / Math.max(dims[0] ?? 1, 1)) * width;
  if (!/'fortran_order'\s*:\s*True/.test(header) || dims.length < 2) {
    return {
      name,
      dims,
      read: async (index, n) => decode(await source.read(start + index * item, n * item), [n, ...dims.slice(1)]),
    };
  }
  // Fortran order scatters an item over the whole file: put it in order once.
  let ordered: Uint8Array | undefined;
  return {
    name,
    dims,
    async read(index, n) {
      ordered ??= transposed(await source.read(start, count * width), dims, width);
      return decode(ordered.subarray(index * item, (index + n) * item), [n, ...dims.slice(1)]);
    },
  };
}

/** From first-axis-fastest to last-axis-fastest. */
function transposed(bytes: Uint8Array, dims: readonly number[], width: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const strides = dims.map((_, axis) => dims.slice(0, axis).reduce((product, dim) => product * dim, width));
  const at = dims.map(() => 0);
  let from = 0;
  for (let to = 0; to < out.length; to += width) {
    for (let i = 0; i < width; i++) out[to + i] = bytes[from + i]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++at[axis]! < dims[axis]!) break;
      from -= strides[axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return out;
}

/** Fixed-width text: UTF-32 (U) or bytes (S), padded with zeros. */
function strings(bytes: Uint8Array, width: number, wide: boolean, little: boolean): string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: string[] = [];
  for (let at = 0; width > 0 && at < bytes.length; at += width) {
    const points: number[] = [];
    for (let i = 0; i < width; i += wide ? 4 : 1) {
      points.push(wide ? view.getUint32(at + i, little) : view.getUint8(at + i));
    }
    out.push(
      points
        .filter((point) => point > 0 && point <= 0x10ffff)
        .map((point) => String.fromCodePoint(point))
        .join(""),
    );
  }
  return out;
}
