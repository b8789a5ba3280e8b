// Self-extracting weights are float again after load: what would not fit the runtime's heap is refused before work starts.

import { unsupported } from "../base/errors.js";
import type { Target } from "../targets/target.js";

/**
 * `decoded`: float bytes of all self-extracting weights, `largest` of them. While one is decoded, two float copies of
 * it stand beside the rest (measured: int8 codes of a 268 MB weight peak at 3.3 times its float size).
 * Throws `unsupported("heap-limit")`.
 */
export function checkHeap(target: Target, decoded: number, largest: number): void {
  const needed = decoded + 2.3 * largest;
  if (needed <= target.heapLimit) return;
  const mb = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;
  throw unsupported("heap-limit", `Decoded at load, these weights would not fit the heap of target ${target.name}.`, {
    expected: `at most ${mb(target.heapLimit)}`,
    found: `about ${mb(needed)}`,
    hint: "Use a native form (--form native), or a target without that limit.",
  });
}
