// Self-extracting weights are float again after load: what would not fit the runtime's heap is refused before work starts.

import { unsupported } from "../base/errors.js";
import type { Target } from "../targets/target.js";

/**
 * `decoded`: float bytes of all self-extracting weights; `peak`: what decoding the largest of them takes beside.
 * Throws `unsupported("heap-limit")`.
 */
export function checkHeap(target: Target, decoded: number, peak: number): void {
  const needed = decoded + peak;
  if (needed <= target.heapLimit) return;
  const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  throw unsupported("heap-limit", `Decoded at load, these weights would not fit the heap of target ${target.name}.`, {
    expected: `at most ${mb(target.heapLimit)}`,
    found: `about ${mb(needed)}`,
    hint: "Use a native form (--form native), or a target without that limit.",
  });
}

/**
 * Float copies of a weight that stand beside it while it is decoded. Measured on weights of 67 and 268 MB, peak less the
 * weight: codes behind a Cast, looked up in one table of bytes, in several.
 */
export const COPIES = { cast: 2.3, table: 3.4, planes: 6.6 } as const;
