// The folder of a model in the file system: opens external data, and only inside it.

import { realpathSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import type { ByteSource, Folder } from "../../base/bytes.js";
import { PareError } from "../../base/errors.js";
import { externalPath } from "../http.js";
import { fileError } from "./file-errors.js";
import { FileSource } from "./file-source.js";

/**
 * External data may stand in the folder in which the model's path lies, or in the one in which the file lies that this
 * path leads to: caches of model hubs link both the model and its data into one folder of blobs.
 */
export function folderOf(modelPath: string): Folder {
  const name = dirname(modelPath);
  return {
    name,
    async open(location: string): Promise<ByteSource> {
      if (!isInside(location)) throw externalPath(location, modelPath);
      const inside = [...new Set([realpathSync(name), dirname(realpathSync(modelPath))])];
      let missing: unknown;
      for (const folder of [name, ...inside]) {
        const path = join(folder, location);
        try {
          const real = realpathSync(path);
          if (!inside.some((allowed) => contains(allowed, real))) throw externalPath(location, modelPath);
          return new FileSource(path);
        } catch (error) {
          const known = fileError(error, path, "open");
          if (known.code !== "file-missing") throw known;
          missing ??= known;
        }
      }
      throw missing instanceof PareError ? missing : fileError(missing, location, "open");
    },
  };
}

/** A relative path that does not climb out, by its spelling alone; on every system, whatever that system thinks of it. */
function isInside(location: string): boolean {
  if (location === "" || location.includes("\0") || /^[/\\]|^[a-z]:/i.test(location)) return false;
  let depth = 0;
  for (const part of location.split(/[/\\]/)) {
    if (part === "..") depth--;
    else if (part !== "." && part !== "") depth++;
    if (depth < 0) return false;
  }
  return depth > 0;
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !/^[a-z]:|^[/\\]/i.test(way);
}
