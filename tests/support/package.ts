// The built package, as a user has it: a folder of its own with `pare` in node_modules, and the shipped examples beside.

import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./root.js";

/** The folder of the shipped example: model.onnx with its labelled data. */
export const example = join(root, "examples", "keywords");

/** Throws with what to do when the package was not built: these tests are about what ships, not about the source. */
export function built(): string {
  const dist = join(root, "dist");
  if (!existsSync(join(dist, "node", "index.js"))) throw new Error("dist/ is missing: run `npm run build` first");
  return dist;
}

/** An empty folder where `import "pare"` and `npx pare` mean the built package; the example's files lie in it. */
export function workplace(): string {
  built();
  const folder = mkdtempSync(join(tmpdir(), "pare-work-"));
  const bin = join(folder, "node_modules", ".bin");
  mkdirSync(bin, { recursive: true });
  symlinkSync(root, join(folder, "node_modules", "pare"), "dir");
  chmodSync(join(root, "dist", "node", "cli.js"), 0o755);
  symlinkSync(join(root, "dist", "node", "cli.js"), join(bin, "pare"));
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  for (const name of readdirSync(example)) cpSync(join(example, name), join(folder, name), { recursive: true });
  // Pages that speak of the repository name the example by its path there.
  mkdirSync(join(folder, "examples"));
  symlinkSync(example, join(folder, "examples", "keywords"), "dir");
  return folder;
}

/** Environment in which the folder's own `pare` is found first and nothing is asked or coloured. */
export function environment(folder: string): NodeJS.ProcessEnv {
  const { FORCE_COLOR: _, NODE_OPTIONS: __, VITEST: ___, ...rest } = process.env;
  return { ...rest, PATH: `${join(folder, "node_modules", ".bin")}:${process.env.PATH}`, NO_COLOR: "1", CI: "true" };
}
