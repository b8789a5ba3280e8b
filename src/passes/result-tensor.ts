// A value that the engine computed, as a tensor to be stored.

import { DTYPES } from "../tensor/dtype.js";
import { type Tensor, tensor } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";

/** Undefined for strings. */
export function tensorOf({ dtype, dims, data }: Value): Tensor | undefined {
  if (DTYPES[dtype].bits === 0 || !ArrayBuffer.isView(data)) return undefined;
  // The runtime may reuse its buffer.
  return tensor(dtype, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice());
}
