// The largest magnitude of each row of a weight, read in pieces.

import { elementCount } from "../../../tensor/dtype.js";
import { fromFloat16 } from "../../../tensor/float16.js";
import type { Tensor } from "../../../tensor/tensor.js";

/** One number for each `length` consecutive elements of a float32 or float16 tensor. NaN counts as 0. */
export async function rowMagnitudes(tensor: Tensor, length: number): Promise<Float32Array> {
  const largest = new Float32Array(elementCount(tensor.dims) / length);
  let element = 0;
  for await (const values of floatPieces(tensor)) {
    for (let i = 0; i < values.length; i++) {
      const row = Math.floor(element++ / length);
      const magnitude = Math.abs(values[i]!);
      if (magnitude > largest[row]!) largest[row] = magnitude;
    }
  }
  return largest;
}

/** The elements of a float32 or float16 tensor in order, in pieces of bounded size. */
export async function* floatPieces({ dtype, data }: Tensor): AsyncIterable<Float32Array> {
  const size = dtype === "float16" ? 2 : 4;
  let rest = new Uint8Array(0);
  for await (const piece of data.stream()) {
    const joined = new Uint8Array(rest.length + piece.length);
    joined.set(rest);
    joined.set(piece, rest.length);
    // A piece may end inside an element: the part waits for the next.
    const whole = joined.length - (joined.length % size);
    rest = joined.slice(whole);
    const bytes = joined.buffer.slice(0, whole);
    yield dtype === "float16" ? fromFloat16(new Uint16Array(bytes)) : new Float32Array(bytes);
  }
}
