// Small files read and written as a whole: one that is written appears whole or not at all.

import { platform } from "#platform";

/** Undefined where there is none. Throws `file-...` errors. */
export async function readWhole(path: string): Promise<Uint8Array | undefined> {
  if ((await platform.realPath(path)) === undefined) return undefined;
  const { source } = await platform.open(path);
  try {
    return await source.read(0, source.size);
  } finally {
    await source.close?.();
  }
}

/** Throws `file-...` errors; what was there stays then. */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  const sink = await platform.create(path);
  try {
    await sink.write(typeof content === "string" ? new TextEncoder().encode(content) : content);
    await sink.finish();
    await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}
