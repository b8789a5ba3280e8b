// A weight times one factor per row, computed when it is pulled: float64 products, rounded once to the weight's type.

import { fromFloat16, toFloat16 } from "../tensor/float16.js";
import { derivedData, type Tensor } from "../tensor/tensor.js";

export type ScalableType = "float32" | "float64" | "float16";

export const isScalable = (dtype: string): dtype is ScalableType =>
  dtype === "float32" || dtype === "float64" || dtype === "float16";

/** Rows of consecutive elements that have one factor in common. */
export interface Rows {
  /** Elements in a row. */
  readonly length: number;
  /** The factor of a row, by its index from the front of the tensor. */
  factor(row: number): number;
}

/** Same type and dims. The source must be of a scalable type. */
export function scaledWeight(source: Tensor, rows: Rows): Tensor {
  const dtype = source.dtype as ScalableType;
  const size = dtype === "float64" ? 8 : dtype === "float32" ? 4 : 2;
  return {
    dtype,
    dims: source.dims,
    data: derivedData(source.data.byteLength, async function* () {
      let element = 0;
      let rest = new Uint8Array(0);
      for await (const piece of source.data.stream()) {
        // A piece may end inside an element: the part waits for the next.
        const joined = rest.length > 0 ? concat(rest, piece) : piece;
        const whole = joined.length - (joined.length % size);
        rest = joined.slice(whole);
        if (whole === 0) continue;
        yield scale(joined.slice(0, whole), dtype, element, rows);
        element += whole / size;
      }
    }),
  };
}

/** `bytes` are ours to write into. */
function scale(bytes: Uint8Array<ArrayBuffer>, dtype: ScalableType, first: number, rows: Rows): Uint8Array {
  const values = view(bytes, dtype);
  let row = Math.floor(first / rows.length);
  let left = rows.length - (first % rows.length);
  for (let i = 0; i < values.length; ) {
    const factor = rows.factor(row++);
    const end = Math.min(i + left, values.length);
    // A Float32Array rounds the float64 product when it is stored.
    for (; i < end; i++) values[i] = values[i]! * factor;
    left = rows.length;
  }
  // The product of a float16 and a factor is rounded to float32 first; that is within the tolerance of folding.
  return dtype === "float16" ? new Uint8Array(toFloat16(values as Float32Array).buffer) : bytes;
}

function view(bytes: Uint8Array<ArrayBuffer>, dtype: ScalableType): Float32Array | Float64Array {
  if (dtype === "float64") return new Float64Array(bytes.buffer);
  if (dtype === "float32") return new Float32Array(bytes.buffer);
  return fromFloat16(new Uint16Array(bytes.buffer));
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  const joined = new Uint8Array(a.length + b.length);
  joined.set(a);
  joined.set(b, a.length);
  return joined;
}
