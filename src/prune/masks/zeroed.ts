// A weight with zeros where something went, computed when it is pulled: its numbers are read then, and let go.

import type { Initializer } from "../../ir/model.js";
import { FLOAT_BYTES } from "../../kernels/numbers.js";
import { CHUNK, derivedData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";

/** Of each element whether it goes, 8 to a byte, low bits first. */
type Mask = Uint8Array;

export function maskOf(elements: number, goes: (element: number) => boolean): Mask {
  const mask = new Uint8Array(Math.ceil(elements / 8));
  for (let element = 0; element < elements; element++) if (goes(element)) mask[element >> 3]! |= 1 << (element & 7);
  return mask;
}

/** `mask` is asked at every pull, before the numbers are read. */
export function zeroed({ tensor, elements }: Weight, mask: () => Promise<Mask>): Initializer {
  const size = FLOAT_BYTES[tensor.dtype];
  const data = derivedData(elements * size, async function* () {
    const gone = await mask();
    let first = 0;
    for await (const piece of pieces(tensor.data.stream(), size)) {
      const bytes = piece.slice();
      const words = size === 2 ? new Uint16Array(bytes.buffer) : new Uint32Array(bytes.buffer);
      for (let at = 0; at < words.length; at++) {
        const element = first + at;
        if ((gone[element >> 3]! >> (element & 7)) & 1) words[at] = 0;
      }
      first += words.length;
      yield bytes;
    }
  });
  return { ...tensor, data };
}

/** The same bytes in pieces of whole elements. */
async function* pieces(stream: AsyncIterable<Uint8Array>, size: number): AsyncIterable<Uint8Array> {
  let rest = new Uint8Array(0);
  for await (const piece of stream) {
    const joined = rest.length === 0 ? piece : joinedBytes(rest, piece);
    const whole = joined.length - (joined.length % size);
    for (let at = 0; at < whole; at += CHUNK) yield joined.subarray(at, Math.min(at + CHUNK, whole));
    rest = joined.slice(whole);
  }
}

function joinedBytes(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
