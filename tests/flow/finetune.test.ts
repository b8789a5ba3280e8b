// Training as users of the command line meet it: what is written and said, and a stop with its resumption.

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { load } from "../../src/load.js";
import { built, example } from "../support/package.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-train-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of its own with the example model and its data in it. */
function workplace(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const file of readdirSync(example)) copyFileSync(join(example, file), join(path, file));
  return path;
}

function pare(cwd: string, args: readonly string[], interrupt?: (stderr: string) => boolean) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [join(built(), "node/cli.js"), ...args], { cwd });
    let stdout = "";
    let stderr = "";
    let sent = false;
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
      if (sent || !interrupt?.(stderr)) return;
      sent = true;
      child.kill("SIGINT");
    });
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const lines = (path: string) =>
  readFileSync(path, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("the command line", () => {
  const settings = ["--data", "dataset.json", "--batch", "16", "--evaluate-every", "3", "--threads", "1"];

  test("finetune writes the model, the log, the report and one JSON document", { timeout: 60_000 }, async () => {
    const cwd = workplace("finetune");
    const files = ["-o", "out.onnx", "--log", "log.jsonl", "--report", "report.md"];
    const result = await pare(cwd, ["finetune", "model.onnx", ...settings, "--steps", "6", ...files, "--json"]);
    expect(result.stderr).not.toContain("error");
    expect(result.code).toBe(0);
    const found = JSON.parse(result.stdout);
    expect(found).toMatchObject({
      output: "out.onnx",
      stopped: "finished",
      skipped: 0,
      verification: { verified: "full" },
    });
    expect(found.before.metric.name).toBe("top-1");
    expect(found.training.points.map(({ step }: { step: number }) => step)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const log = lines(join(cwd, "log.jsonl"));
    expect(log.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(log.filter(({ held }) => held).map(({ step }) => step)).toEqual([3, 6]);
    expect(readFileSync(join(cwd, "report.md"), "utf8")).toContain("## Training");
    expect(readdirSync(cwd).filter((name) => name.endsWith(".checkpoint"))).toEqual([]);
    const [before, after] = [await load(join(cwd, "model.onnx")), await load(join(cwd, "out.onnx"))];
    expect(after.graph.nodes).toHaveLength(before.graph.nodes.length);
    expect(after.metadata.get("pare.recipe")).toContain('"finetune"');
  });

  test("train draws fresh weights by the seed", { timeout: 60_000 }, async () => {
    const cwd = workplace("train");
    const asked = ["train", "model.onnx", ...settings, "--steps", "3", "--seed", "7", "-o", "a.onnx"];
    const result = await pare(cwd, asked);
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toContain("drawn anew (kaiming, seed 7)");
    expect(result.stdout).toMatch(/┤/);
  });

  test("Ctrl-C leaves a checkpoint and the command that goes on to the same bits", { timeout: 120_000 }, async () => {
    const cwd = workplace("stopped");
    const asked = ["finetune", "model.onnx", ...settings, "--steps", "30", "-o", "stopped.onnx", "--log", "log.jsonl"];
    const stopped = await pare(cwd, asked, (stderr) => stderr.includes("update 3 of 30"));
    expect(stopped.code, stopped.stderr).toBe(1);
    expect(stopped.stderr).toContain("Go on with: pare finetune model.onnx");
    expect(existsSync(join(cwd, "stopped.onnx"))).toBe(false);
    expect(existsSync(join(cwd, "stopped.onnx.checkpoint"))).toBe(true);
    const resumed = await pare(cwd, [...asked, "--resume"]);
    expect(resumed.code, resumed.stderr).toBe(0);
    expect(lines(join(cwd, "log.jsonl")).map(({ step }) => step)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    const whole = await pare(cwd, ["finetune", "model.onnx", ...settings, "--steps", "30", "-o", "whole.onnx"]);
    expect(whole.code, whole.stderr).toBe(0);
    expect(readFileSync(join(cwd, "stopped.onnx")).equals(readFileSync(join(cwd, "whole.onnx")))).toBe(true);
  });

  test.each([
    { name: "no data", args: [], code: 1, says: "Training needs data" },
    { name: "a misspelt optimizer", args: ["--optimizer", "adamm"], code: 2, says: "adamw" },
    { name: "an option out of range", args: ["--label-smoothing", "2"], code: 2, says: "less than 1" },
    { name: "nothing to resume", args: ["--data", "dataset.json", "--resume"], code: 1, says: "checkpoint" },
  ])("$name: $code", { timeout: 60_000 }, async ({ name, args, code, says }) => {
    const cwd = workplace(name);
    const before = readdirSync(cwd);
    const result = await pare(cwd, ["finetune", "model.onnx", ...args]);
    expect(result.stderr).toContain(says);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
    expect(readdirSync(cwd)).toEqual(before);
  });
});
