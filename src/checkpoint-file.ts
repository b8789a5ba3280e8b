// Checkpoints of a training in a file: written whole or not at all, so that one that is there can be resumed.

import { platform } from "#platform";
import type { CheckpointStore } from "./train/checkpoint.js";

export function checkpointFile(path: string): CheckpointStore {
  return {
    name: path,
    async read() {
      if ((await platform.realPath(path)) === undefined) return undefined;
      const { source } = await platform.open(path);
      try {
        return await source.read(0, source.size);
      } finally {
        await source.close?.();
      }
    },
    async write(bytes) {
      const sink = await platform.create(path);
      try {
        await sink.write(bytes);
        await sink.finish();
        await sink.commit();
      } catch (error) {
        await sink.abort();
        throw error;
      }
    },
  };
}
