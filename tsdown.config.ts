// Two builds of one source: `#platform` resolves to node.ts in dist/node and to browser.ts in dist/browser, by the
// conditions of package.json's "imports". Files that run in a thread or process of their own are entries of their own;
// the code that starts them names them by `new URL("./<entry>.js", import.meta.url)`, so all output of a build is flat.

import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { defineConfig, type UserConfig } from "tsdown";

/** `kernel-worker.ts`, `serve-child.ts` ...: found by name, so that a new one needs no line here. */
function ownEntries(folder: string): Record<string, string> {
  const files = readdirSync(folder).filter((name) => /-(worker|child)\.ts$/.test(name));
  return Object.fromEntries(files.map((name) => [basename(name, ".ts"), join(folder, name)]));
}

const shared: UserConfig = {
  format: "esm",
  target: "es2022",
  fixedExtension: false,
  // Chunk names without hashes: the same source gives the same package.
  hash: false,
  sourcemap: false,
  // Every npm package stays an import: users get security updates without a release of ours, and licences stay apart.
  deps: { skipNodeModulesBundle: true },
  publint: false,
  // Compressed sizes of every chunk cost more time than the build.
  report: false,
};

export default defineConfig([
  {
    ...shared,
    name: "node",
    platform: "node",
    outDir: "dist/node",
    dts: false,
    entry: { index: "src/index.ts", cli: "src/cli/main.ts", ...ownEntries("src/platform/node") },
  },
  {
    ...shared,
    name: "browser",
    platform: "browser",
    outDir: "dist/browser",
    dts: false,
    entry: { index: "src/index.ts", ...ownEntries("src/platform/browser") },
  },
  // One set of types for both: the public door does not know where it is.
  {
    ...shared,
    name: "types",
    platform: "neutral",
    outDir: "dist/types",
    tsconfig: "tsconfig.core.json",
    dts: { emitDtsOnly: true },
    entry: { index: "src/index.ts" },
  },
]);
