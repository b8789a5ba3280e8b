// Pruning as users of the command line meet it: what is written and said, plans, a dry run, refusals.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { built, example } from "../support/package.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-prune-"));
  for (const file of readdirSync(example)) copyFileSync(join(example, file), join(folder, file));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function pare(...args: string[]) {
  const words = [join(built(), "node/cli.js"), ...args, "--threads", "1"];
  return spawnSync(process.execPath, words, { cwd: folder, encoding: "utf8" });
}

const channels = ["prune", "model.onnx", "--structure", "channel"];

test("channels go until the goal is met, and the plan does the same again", { timeout: 60_000 }, () => {
  const training = ["--steps", "2", "--finetune", "steps=3,batch=16", "--data", "dataset.json"];
  const files = ["-o", "out.onnx", "--save-plan", "plan.json", "--report", "report.md"];
  const first = pare(...channels, "--macs", "50%", "--layer", "conv0=0.25", ...training, ...files, "--json");
  expect(first.status, first.stderr).toBe(0);
  const made = JSON.parse(first.stdout);
  expect(made.output).toBe("out.onnx");
  expect(made.macs.after).toBeLessThanOrEqual(made.macs.before / 2);
  expect(made.macs.after).toBeGreaterThan(0.4 * made.macs.before);
  expect(made.bytes.after).toBeLessThan(0.7 * made.bytes.before);
  expect(made.effect.accuracy).toMatchObject({
    metric: "top-1",
    before: expect.any(Number),
    after: expect.any(Number),
  });
  expect(made.training.steps).toBe(3);
  const stem = made.groups.find(({ group }: { group: string }) => group === "conv0.weight");
  expect(stem.units).toEqual({ before: 64, after: 48 });
  expect(readFileSync(join(folder, "report.md"), "utf8")).toContain("why not more of them went");

  const again = pare("prune", "model.onnx", "--plan", "plan.json", "-o", "again.onnx", "--json", "--no-verify");
  expect(again.status, again.stderr).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ macs: made.macs, plan: made.plan });
});

test("a dry run says what would go, and writes nothing", { timeout: 30_000 }, () => {
  const before = readdirSync(folder).sort();
  const args = ["--ratio", "0.25", "--finetune", "--dry-run", "--save-plan", "none.json", "-o", "none.onnx"];
  const { status, stdout, stderr } = pare(...channels, ...args);
  expect(status, stderr).toBe(0);
  expect(stdout).toMatch(/conv4\.weight +filter +64 +48 +what went suffices/);
  expect(stdout).toMatch(/fc\.weight .*the outputs of the model keep their shapes +logits/);
  expect(stdout).toContain("Nothing was written");
  expect(readdirSync(folder).sort()).toEqual(before);
});

test("zeros are stored as such, and are said to be no faster", { timeout: 30_000 }, () => {
  const { status, stdout, stderr } = pare("prune", "model.onnx", "--ratio", "0.8", "-o", "sparse.onnx");
  expect(status, stderr).toBe(0);
  expect(stderr).toContain("the model is no faster. Structure channel makes models faster.");
  expect(stdout).toMatch(/time [\d.]+ of the original.s, measured in turn/);
  const [before, after] = ["model.onnx", "sparse.onnx"].map((name) => statSync(join(folder, name)).size);
  expect(after).toBeLessThan(0.7 * before!);
});

test("what cannot be is refused with what to do", { timeout: 60_000 }, () => {
  const error = (...args: string[]) => {
    const { status, stdout } = pare(...args, "--json", "-o", "refused.onnx");
    expect(status).not.toBe(0);
    return JSON.parse(stdout).error;
  };
  expect(error(...channels, "--macs", "1k").code).toBe("goal-out-of-reach");
  writeFileSync(
    join(folder, "other.json"),
    JSON.stringify({ version: 1, groups: [{ name: "conv99.weight", units: 8, removed: [1] }] }),
  );
  expect(error("prune", "model.onnx", "--plan", "other.json")).toMatchObject({
    code: "plan-unfit",
    node: "conv99.weight",
  });
  expect(readdirSync(folder)).not.toContain("refused.onnx");
});
