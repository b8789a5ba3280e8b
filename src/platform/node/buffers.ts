// What can be handed to another thread without a copy.

import type { Feeds } from "../../tensor/value.js";

/** The buffers of arrays that fill theirs, each once. Views of a larger buffer are copied instead: others may read it. */
export function buffersOf(values: Feeds | undefined): ArrayBuffer[] {
  const found = new Set<ArrayBuffer>();
  const shared = new Set<ArrayBuffer>();
  for (const { data } of Object.values(values ?? {})) {
    if (!ArrayBuffer.isView(data) || !(data.buffer instanceof ArrayBuffer)) continue;
    if (data.byteLength === data.buffer.byteLength && !found.has(data.buffer)) found.add(data.buffer);
    else shared.add(data.buffer);
  }
  return [...found].filter((buffer) => !shared.has(buffer));
}
