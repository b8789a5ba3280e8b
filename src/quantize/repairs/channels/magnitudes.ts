// The largest magnitude of each row of a weight, read in pieces.

import { cutter } from "../../../kernels/cut.js";
import { FLOAT_BYTES, floats } from "../../../kernels/numbers.js";
import { elementCount } from "../../../tensor/dtype.js";
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

const PIECE = 2 ** 18;

/** The elements of a float32 or float16 tensor in order, in pieces of bounded size. */
export async function* floatPieces({ dtype, dims, data }: Tensor): AsyncIterable<Float32Array> {
  const from = dtype === "float16" ? "float16" : "float32";
  const elements = elementCount(dims);
  const bytes = cutter(data.stream());
  try {
    for (let first = 0; first < elements; first += PIECE) {
      yield floats(await bytes.take(Math.min(PIECE, elements - first) * FLOAT_BYTES[from]), from);
    }
  } finally {
    await bytes.close();
  }
}
