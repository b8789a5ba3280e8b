// One byte of each 16-bit word: builds of the runtime with few Casts (onnxruntime-web's with WebGPU) cast bytes, not words.

import { derivedData, type TensorData } from "../../tensor/tensor.js";

/** `words`: little endian, in pieces of whole words. */
export function bytePlane(words: TensorData, byteOf: (word: number) => number): TensorData {
  return derivedData(words.byteLength / 2, async function* () {
    for await (const piece of words.stream()) {
      const bytes = new Uint8Array(piece.byteLength / 2);
      for (let i = 0; i < bytes.length; i++) bytes[i] = byteOf(piece[2 * i]! | (piece[2 * i + 1]! << 8));
      yield bytes;
    }
  });
}

export const highByte = (words: TensorData): TensorData => bytePlane(words, (word) => word >> 8);
export const lowByte = (words: TensorData): TensorData => bytePlane(words, (word) => word & 255);
