// Finds the method folders: each holds an index.ts that is the visible list (`registry("kind", [a, b])`) and one method
// a file. Read from the text, so that the rules which stand on it also see a file that the list forgot.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

export interface MethodFolder {
  /** Path from the root, POSIX, e.g. `src/quantize/formats`. */
  readonly path: string;
  /** Names in the list, in order, with the file each is imported from (`./int8.ts`), undefined when it is not imported. */
  readonly listed: readonly { readonly identifier: string; readonly file: string | undefined }[];
  /** Files in the folder that make a method (a top-level `export const x = define...(` or typed as a listed one is). */
  readonly methodFiles: readonly string[];
}

export function methodFolders(root: string): MethodFolder[] {
  const found: MethodFolder[] = [];
  for (const index of walk(join(root, "src")).filter((path) => path.endsWith("/index.ts"))) {
    const text = readFileSync(index, "utf8");
    const lists = [...text.matchAll(/\bregistry(?:<[^(]*>)?\(\s*"[^"]+",\s*\[([^\]]*)\]/g)];
    if (lists.length === 0) continue;
    const imported = importsOf(text);
    const identifiers = lists.flatMap((list) => withoutComments(list[1] ?? "").match(/[A-Za-z_$][\w$]*/g) ?? []);
    const folder = dirname(index);
    const listed = identifiers.map((identifier) => ({ identifier, file: imported.get(identifier) }));
    found.push({
      path: relative(root, folder),
      listed,
      methodFiles: methodFilesIn(
        folder,
        listed.flatMap(({ file }) => file ?? []),
      ),
    });
  }
  return found;
}

/**
 * Files that make a method: by the same `define<Kind>(` call as a listed one, or as a constant of the same declared type
 * (`export const fp16: Format = {`).
 */
function methodFilesIn(folder: string, listed: readonly string[]): string[] {
  const declared = (file: string) => {
    const text = readFileSync(join(folder, file), "utf8");
    return [...text.matchAll(/^export const \w+(?::\s*([\w<>]+))?\s*=\s*(define[A-Z]\w*)?/gm)];
  };
  const present = listed.filter((file) => existsSync(join(folder, file)));
  // The same folder may hold what is not of this list: `passes/clean.ts` is a step, made with another call.
  const kinds = new Set(present.flatMap((file) => declared(file).flatMap(([, type, call]) => call ?? type ?? [])));
  // The list may stand one folder up: `report/index.ts` lists `./forms/html.ts`.
  return [...new Set([".", ...present.map((file) => dirname(file))])]
    .flatMap((part) => readdirSync(join(folder, part)).map((name) => (part === "." ? `./${name}` : `${part}/${name}`)))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "./index.ts")
    .filter((file) => declared(file).some(([, type, call]) => kinds.has(call ?? type ?? "")));
}

/** Identifier to file, for the value imports from the folder itself. */
function importsOf(text: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const [, names, from] of text.matchAll(/import\s+\{([^}]*)\}\s+from\s+"(\.\/[^"]+)\.js"/g)) {
    for (const name of (names ?? "").split(",")) {
      const local = name
        .trim()
        .split(/\s+as\s+/)
        .at(-1);
      if (local && !local.startsWith("type ")) files.set(local, `${from}.ts`);
    }
  }
  return files;
}

const withoutComments = (text: string) => text.replace(/\/\/.*$/gm, "").replace(/\/\*[\s\S]*?\*\//g, "");

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}
