// The gradient of what the loss does not depend on, where an operator needs a tensor nevertheless.

import { elementCount } from "../../tensor/dtype.js";
import { int64 } from "../../tensor/tensor.js";
import type { Emitter } from "../emitter.js";

/** More elements than this are not left to the runtime to compute at load. */
const STORED = 4096;

/**
 * Zeros of the element type of `gradient`. Large ones are made in each run: as a constant they would stay in memory for good
 * (172 MB for the pooling of SqueezeNet at a batch of 32) and be copied in each run besides. So their zero is chosen by a number
 * of the gradient, between zero and zero.
 */
export function zeros(emit: Emitter, dims: readonly number[], gradient: string): string {
  const zero = emit.like(0, gradient);
  const rank = emit.rank(gradient);
  if (elementCount(dims) <= STORED || rank === 0) return emit.expand(zero, dims);
  const corner = cornerOf(emit, rank);
  const first = emit.op("GatherND", [gradient, corner], { dims: [1] });
  return emit.expand(emit.where(emit.greater(first, zero), zero, zero), dims);
}

/** int64 [1, rank], stored once. */
function cornerOf(emit: Emitter, rank: number): string {
  const name = `const_corner_${rank}`;
  if (emit.has(name) || emit.initializers.has(name)) return name;
  return emit.store(name, int64([1, rank], new Array<number>(rank).fill(0)));
}
