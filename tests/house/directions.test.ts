// Who may import whom: the whole source keeps the rules, and each rule catches the import that it is there for.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { brokenRules } from "../../tools/house/cruise.js";
import { directionRules } from "../../tools/house/directions.js";
import { root } from "../support/root.js";

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A source folder of its own, with the files given. */
function house(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "pare-house-"));
  folders.push(folder);
  const imports = { "#platform": { node: "./src/platform/node.ts", default: "./src/platform/browser.ts" } };
  const all = { "package.json": JSON.stringify({ type: "module", imports }), ...files };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const target = "export const b = 1;\n";
const importing = (from: string) => `import { b } from "${from}";\nexport const a = b;\n`;
const list = `import { registry } from "../base/registry.js";
import { one } from "./one.js";
import { two } from "./two.js";
export const passes = registry("pass", [one, two]);
`;
const method = (name: string, head = "") => `${head}export const ${name} = definePass({ name: "${name}" });\n`;

test("the source keeps every rule", async () => {
  const { modules, broken } = await brokenRules(root);
  expect(modules).toBeGreaterThan(50);
  expect(broken.map(({ rule, from, to, why }) => `${from} -> ${to}\n  ${rule}: ${why}`)).toEqual([]);
});

const planted: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "base-imports": { "src/base/a.ts": importing("../tensor/b.js"), "src/tensor/b.ts": target },
  "ir-imports": { "src/ir/a.ts": importing("../onnx/b.js"), "src/onnx/b.ts": target },
  "engine-imports": { "src/engine/a.ts": 'import type { b } from "../data/b.js";\n', "src/data/b.ts": target },
  "quantize-imports": { "src/quantize/a.ts": importing("../report/b.js"), "src/report/b.ts": target },
  "folder-without-row": { "src/utils/a.ts": importing("../base/b.js"), "src/base/b.ts": target },
  "no-cycle": { "src/ir/a.ts": importing("./b.js"), "src/ir/b.ts": 'export { a as b } from "./a.js";\n' },
  "no-platform-below-the-verbs": { "src/engine/a.ts": importing("#platform"), "src/platform/node.ts": target },
  "platforms-apart": {
    "src/platform/browser/a.ts": importing("../node/b.js"),
    "src/platform/node/b.ts": target,
  },
  "node-only-where-node-is": { "src/onnx/a.ts": 'import { sep } from "node:path";\nexport const a = sep;\n' },
  "runtime-behind-platform": { "src/engine/a.ts": 'export const a = () => import("onnxruntime-node");\n' },
  "methods-meet-in-a-recipe": { "src/prune/a.ts": importing("../quantize/b.js"), "src/quantize/b.ts": target },
  "methods-by-their-list": {
    "src/base/registry.ts": "export const registry = (kind: string, list: unknown[]) => [kind, list];\n",
    "src/passes/index.ts": list,
    "src/passes/one.ts": method("one"),
    "src/passes/two.ts": method("two", 'import { one } from "./one.js";\nexport const same = one;\n'),
  },
  "cli-through-the-door": { "src/cli/a.ts": importing("../quantize/b.js"), "src/quantize/b.ts": target },
  "index-is-a-door": { "src/load.ts": importing("./index.js"), "src/index.ts": target },
  "verbs-below-cli": { "src/load.ts": importing("./cli/b.js"), "src/cli/b.ts": target },
  "nothing-from-tests": { "src/ir/a.ts": importing("../../tests/b.js"), "tests/b.ts": target },
  "no-unresolved": { "src/ir/a.ts": importing("./gone.js") },
};

test.each(Object.entries(planted))("%s is caught", async (rule, files) => {
  const { broken } = await brokenRules(house(files));
  expect(broken.map((found) => found.rule)).toContain(rule);
});

test("what the table allows is not caught", async () => {
  const folder = house({
    "src/base/b.ts": target,
    "src/base/c.ts": 'import type { D } from "./d.js";\nexport type C = D | null;\n',
    "src/base/d.ts": 'import type { C } from "./c.js";\nexport interface D {\n  c: C;\n}\n',
    "src/base/registry.ts": "export const registry = (kind: string, list: unknown[]) => [kind, list];\n",
    "src/ir/a.ts": importing("../base/b.js"),
    "src/ir/a.test.ts": `${importing("../engine/b.js")}import "node:fs";\n`,
    "src/engine/b.ts": importing("../ir/a.js"),
    "src/passes/index.ts": list,
    "src/passes/one.ts": method("one"),
    "src/passes/two.ts": method("two"),
    "src/load.ts": importing("#platform"),
    "src/platform/node.ts": `import "node:fs";\n${importing("../engine/b.js")}`,
  });
  expect((await brokenRules(folder)).broken).toEqual([]);
});

test("every wall has a planted violation above, and every rule a reason", () => {
  const rules = directionRules([{ path: "src/passes", listed: [], methodFiles: ["./one.ts"] }]);
  const walls = rules.map((rule) => rule.name ?? "").filter((name) => !name.endsWith("-imports"));
  expect(Object.keys(planted)).toEqual(expect.arrayContaining(walls));
  expect(rules.filter((rule) => !rule.comment)).toEqual([]);
});
