// A training whose process is killed goes on from its checkpoint, and ends with the very same weights.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { checkpointFile } from "../../src/checkpoint-file.js";
import type { Value } from "../../src/tensor/value.js";
import { train } from "../../src/train/loop.js";
import { engineServices } from "../support/engine.js";
import { root } from "../support/root.js";
import { killedOptions, spiralCase, spirals } from "../support/train-case.js";

const folder = mkdtempSync(join(tmpdir(), "pare-killed-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbers = (weights: ReadonlyMap<string, Value>) =>
  Object.fromEntries([...weights].map(([name, { data }]) => [name, [...(data as Float32Array)]]));

const script = join(root, "tests", "support", "train-child.ts");

test("a process that has trained ends by itself", { timeout: 60_000 }, () => {
  const path = join(folder, "whole.ckpt");
  const { status, signal, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, path, "end"], {
    encoding: "utf8",
    timeout: 50_000,
  });
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: "" });
  rmSync(path);
});

test("killed after 10 of 20 steps, resumed, equal to the last bit", { timeout: 60_000 }, async () => {
  const path = join(folder, "run.ckpt");
  const child = spawn(process.execPath, ["--import", "tsx", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<NodeJS.Signals | null>((done) => child.once("exit", (_, signal) => done(signal)));
  await new Promise<void>((done, fail) => {
    child.stdout.once("data", () => done());
    child.once("exit", (code) => fail(new Error(`the process that trains ended by itself (${code})`)));
  });
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
  expect(existsSync(path)).toBe(true);

  const { step } = await spiralCase(killedOptions.step);
  const data = { train: spirals() };
  const services = engineServices({ threads: 1 });
  const lines: number[] = [];
  const options = { ...killedOptions.loop, checkpoint: checkpointFile(path), resume: true };
  const resumed = await train(step, data, options, services, (line) => lines.push(line.step));
  expect(lines).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  const whole = await train(step, data, killedOptions.loop, services);
  expect(numbers(resumed.weights)).toEqual(numbers(whole.weights));
  expect(resumed.log.map(({ loss }) => loss)).toEqual(whole.log.map(({ loss }) => loss));
  // Nothing half written stands beside it.
  expect(readdirSync(folder)).toEqual(["run.ckpt"]);
});
