// One method, one file, one line in the list: the list and the folder say the same.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type MethodFolder, methodFolders } from "../../tools/house/method-folders.js";
import { root } from "../support/root.js";

/** What is in the list and not in the folder, and the other way round. */
const differences = (folder: MethodFolder): string[] => [
  ...folder.listed
    .filter(({ file }) => file === undefined)
    .map(({ identifier }) => `${folder.path}/index.ts lists ${identifier}, which no file of the folder gives`),
  ...folder.methodFiles
    .filter((file) => !folder.listed.some((method) => method.file === file))
    .map((file) => `${folder.path}/${file.slice(2)} is not in the list of ${folder.path}/index.ts`),
];

const folders = methodFolders(root);

test("there are method folders", () => {
  expect(folders.map((folder) => folder.path)).toEqual(expect.arrayContaining(["src/passes", "src/targets"]));
});

test.each(folders.map((folder) => [folder.path, folder] as const))("%s: list and folder are equal", (_, folder) => {
  expect(folder.listed.length).toBeGreaterThan(0);
  expect(differences(folder)).toEqual([]);
});

test("a folder with several methods has a list", () => {
  const withList = new Set(
    folders.flatMap(({ path, listed }) => [path, ...listed.map(({ file }) => dirname(join(path, file ?? "")))]),
  );
  const without = readdirSync(join(root, "src"), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => methodsIn(path) > 1)
    .map((path) => path.slice(root.length + 1))
    .filter((path) => !withList.has(path));
  expect(without).toEqual([]);
});

test("a forgotten file and a forgotten import are found", () => {
  const folder = mkdtempSync(join(tmpdir(), "pare-lists-"));
  try {
    const passes = join(folder, "src", "passes");
    mkdirSync(passes, { recursive: true });
    writeFileSync(join(passes, "one.ts"), "export const one = definePass({});\n");
    writeFileSync(join(passes, "lost.ts"), "export const lost = definePass({});\n");
    writeFileSync(
      join(passes, "index.ts"),
      'import { one } from "./one.js";\nexport const passes = registry<Pass>("pass", [\n  one, // first\n  gone,\n]);\n',
    );
    expect(methodFolders(folder).flatMap(differences)).toEqual([
      "src/passes/index.ts lists gone, which no file of the folder gives",
      "src/passes/lost.ts is not in the list of src/passes/index.ts",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

function methodsIn(folder: string): number {
  return readdirSync(folder).filter(
    (name) =>
      name.endsWith(".ts") &&
      !name.endsWith(".test.ts") &&
      /^export const \w+\s*=\s*define[A-Z]\w*\(/m.test(readFileSync(join(folder, name), "utf8")),
  ).length;
}
