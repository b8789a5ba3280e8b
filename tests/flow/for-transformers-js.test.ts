// `pare <folder> --for transformers.js` as a user runs it: the table, the one JSON document, the exit codes.

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { writeHubFolder } from "../support/hub-folder.js";
import { built } from "../support/package.js";

let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pare-for-"));
  await writeHubFolder(join(folder, "bert"), "classifier");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const pare = (...args: string[]) =>
  spawnSync(process.execPath, [join(built(), "node/cli.js"), ...args], { cwd: folder, encoding: "utf8" });

it("writes beside the folder and prints what was lost", () => {
  const { status, stdout } = pare("bert", "--for", "transformers.js", "--dtypes", "fp32", "q8", "q4f16");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^q8 +model_quantized\.onnx +[\d.]+ kB +[\d.]+x +0\.99\d+ +\d+% +4 synthetic inputs/m);
  expect(stdout).toMatch(/^q4f16 +model_q4f16\.onnx/m);
  expect(readdirSync(join(folder, "bert.pared", "onnx"))).toEqual([
    "model.onnx",
    "model_q4f16.onnx",
    "model_quantized.onnx",
  ]);
});

it("prints one JSON document on request, and takes the output's name", () => {
  const { status, stdout } = pare("bert/", "--for", "transformers.js", "--dtypes", "q8", "-o", "small", "--json");
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    folder: "small",
    files: [{ model: "model", dtype: "q8", verification: { verified: "full" } }],
    copied: ["tokenizer.json", "tokenizer_config.json"],
  });
  expect(existsSync(join(folder, "small", "config.json"))).toBe(true);
});

it.each([
  ["an unknown dtype", ["bert", "--for", "transformers.js", "--dtypes", "q3"], 2, "q3"],
  ["an unknown runtime", ["bert", "--for", "tensorflow"], 2, "transformers.js"],
  ["a flag that has no part", ["bert", "--for", "transformers.js", "--report", "r.html"], 2, "--report"],
  ["a folder that is none", ["nothing", "--for", "transformers.js"], 1, "nothing is not a folder"],
])("refuses %s", (_, args, code, says) => {
  const { status, stderr } = pare(...args);
  expect(stderr).toContain(says);
  expect(status).toBe(code);
});
