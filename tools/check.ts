// Everything that is checked without running the product: `npm run check`. One line a check; what failed is shown whole.
// `npm run check -- knip types` runs those whose name begins so.

import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brokenRules } from "./house/cruise.js";

const root = fileURLToPath(new URL("../", import.meta.url)).replace(/\/$/, "");

const { FORCE_COLOR: _, ...colored } = process.env;
const plain = { ...colored, NO_COLOR: "1" };

interface Check {
  readonly name: string;
  /** What is wrong, empty when nothing is. */
  readonly run: () => string | Promise<string>;
}

const command = (name: string, program: string, ...args: string[]): Check => ({
  name,
  run: () => {
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      cwd: root,
      encoding: "utf8",
      env: { ...plain, PATH: `${root}/node_modules/.bin:${process.env.PATH}` },
      maxBuffer: 64 * 1024 * 1024,
    });
    if (error) return error.message;
    return status === 0 ? "" : `${stdout}${stderr}`.trim() || `exit code ${status}`;
  },
});

const directions: Check = {
  name: "imports",
  run: async () => {
    const { broken } = await brokenRules(root);
    return broken.map(({ rule, from, to, why }) => `${from} -> ${to}\n  ${rule}: ${why}`).join("\n");
  },
};

/** Files made from others are committed; each maker says with --check whether they are still what it would make. */
const makers = readdirSync(new URL("./", import.meta.url))
  .filter((name) => /^(?:generate|build|make)-.*\.(?:ts|mjs)$/.test(name))
  .map((name) => command(`made by ${name}`, name.endsWith(".ts") ? "tsx" : "node", `tools/${name}`, "--check"));

const checks: Check[] = [
  ...["core", "node", "web"].map((part) => command(`types (${part})`, "tsc", "-p", `tsconfig.${part}.json`)),
  command("format and lint", "biome", "ci", "--colors=off", "--error-on-warnings", "."),
  directions,
  command("unused code", "knip"),
  ...makers,
  command("package", "publint", "--strict"),
];

const wanted = process.argv.slice(2);
const chosen = checks.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.startsWith(part)));
let failures = 0;
for (const { name, run } of chosen) {
  const wrong = await run();
  console.log(`${wrong === "" ? "ok    " : "FAILED"}  ${name}`);
  if (wrong !== "") {
    failures++;
    console.log(wrong.replace(/^/gm, "        "));
  }
}
console.log(`checks: ${chosen.length - failures} passed, ${failures} failed`);
process.exitCode = failures > 0 || chosen.length === 0 ? 1 : 0;
