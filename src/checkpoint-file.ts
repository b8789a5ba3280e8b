// Checkpoints of a training in a file: written whole or not at all, so that one that is there can be resumed.

import type { CheckpointStore } from "./train/checkpoint.js";
import { readWhole, writeWhole } from "./whole-file.js";

export const checkpointFile = (path: string): CheckpointStore => ({
  name: path,
  read: () => readWhole(path),
  write: (bytes) => writeWhole(path, bytes),
});
