// The examples are numbered without a gap, each is named in their README, and each runs alone against the built package.

import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { environment, workplace } from "../support/package.js";
import { root } from "../support/root.js";
import { tracked } from "../support/tracked.js";

const examples = tracked(/^examples\/[^/]+\.(?:ts|mjs)$/);

test("they are numbered from 01 without a gap, and README.md names each", () => {
  expect(examples.length).toBeGreaterThan(0);
  expect(examples.map((path) => basename(path).slice(0, 3))).toEqual(
    examples.map((_, index) => `${String(index + 1).padStart(2, "0")}-`),
  );
  const readme = join(root, "examples", "README.md");
  const text = existsSync(readme) ? readFileSync(readme, "utf8") : "";
  expect(examples.filter((path) => !text.includes(basename(path)))).toEqual([]);
});

test.each(examples)("%s runs", { timeout: 300_000 }, (path) => {
  const folder = workplace();
  try {
    const script = join(folder, basename(path));
    cpSync(join(root, path), script);
    const { status, stdout, stderr } = spawnSync(join(root, "node_modules", ".bin", "tsx"), [script], {
      cwd: folder,
      env: environment(folder),
      encoding: "utf8",
      timeout: 240_000,
      stdio: ["ignore", "pipe", "pipe"],
    });
    expect(`${status}\n${stderr}`).toMatch(/^0\n/);
    expect(stdout.trim()).not.toBe("");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
