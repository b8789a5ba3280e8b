// The files that a clone of this checkout would have, and those about to be added.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { root } from "./root.js";

/** Paths from the root, sorted; what .gitignore names is not among them. */
export function tracked(pattern = /./): string[] {
  const listed = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  const paths = listed.split("\0").filter((path) => path !== "" && pattern.test(path) && existsSync(join(root, path)));
  return [...new Set(paths)].sort();
}
