// A model file and the data files that it names, as bytes: for a runtime that takes no paths (WASM).

import type { ByteSource, Folder } from "../base/bytes.js";
import { decode } from "../onnx/decode.js";
import type { SessionSource } from "./runtime.js";
import type { OpenFile } from "./verify-files.js";

/**
 * Finds the files; the function that comes back reads them, once, so that a caller can time the reading alone. Throws
 * what `load` throws: a data file that the model names and that is not there, or stands outside its folder. Other files
 * beside the model are not touched, whatever they are called.
 */
export async function modelBytes(path: string, open: OpenFile): Promise<() => Promise<SessionSource>> {
  const { source, folder } = await open(path);
  const files = new Map<string, ByteSource>();
  const watched: Folder | undefined = folder && {
    ...folder,
    async open(location) {
      const file = await folder.open(location);
      files.set(location, file);
      return file;
    },
  };
  const close = async () => {
    for (const each of [source, ...files.values()]) await each.close?.();
  };
  try {
    await decode(source, watched);
  } catch (error) {
    await close();
    throw error;
  }
  return async () => {
    try {
      const external: { path: string; data: Uint8Array }[] = [];
      for (const [location, file] of files) external.push({ path: location, data: await file.read(0, file.size) });
      return { bytes: await source.read(0, source.size), external };
    } finally {
      await close();
    }
  };
}
