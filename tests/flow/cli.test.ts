// The command line as a user meets it: what goes to stdout, what the exit code says, and what is left on disk.

import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { graphBuilder } from "../../src/ir/build.js";
import { toBytes } from "../../src/onnx/encode.js";
import { built, example } from "../support/package.js";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-cli-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder of its own with the example model in it. */
function workplace(name: string): string {
  const path = join(folder, name);
  mkdirSync(path);
  copyFileSync(join(example, "model.onnx"), join(path, "model.onnx"));
  return path;
}

function pare(cwd: string, args: readonly string[], interruptAfterMs?: number) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = spawn(process.execPath, [join(built(), "node/cli.js"), ...args], { cwd });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (data) => {
      stdout += data;
    });
    child.stderr.on("data", (data) => {
      stderr += data;
    });
    if (interruptAfterMs !== undefined) setTimeout(() => child.kill("SIGINT"), interruptAfterMs);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

const quantize = ["quantize", "model.onnx", "--weights", "int8", "--form", "extract"];

describe("exit codes", () => {
  test.each([
    { name: "an unknown flag", args: ["model.onnx", "--wieghts"], code: 2, says: "--wieghts" },
    { name: "a misspelt command", args: ["quantise", "model.onnx"], code: 2, says: 'Did you mean "quantize"?' },
    { name: "a wrong choice", args: ["quantize", "model.onnx", "--weights", "int9"], code: 2, says: "int8" },
    {
      name: "options that contradict",
      args: ["quantize", "model.onnx", "--weights", "int4", "--activations", "dynamic"],
      code: 2,
      says: "8-bit",
    },
    {
      name: "a recipe that is none",
      args: ["compress", "model.onnx", "--recipe", "[{}]"],
      code: 2,
      says: "not a recipe",
    },
    { name: "a dimension that is none", args: [...quantize, "--dim", "bat=2"], code: 2, says: 'Did you mean "batch"?' },
    { name: "a report in no form", args: [...quantize, "--report", "x.pdf"], code: 2, says: ".html" },
    {
      name: "nothing to quantize",
      args: [...quantize, "--minimum", "100000000"],
      code: 1,
      says: "has no weights that weight-only quantization can change. Nothing was written.",
    },
    {
      name: "layers that are no JSON",
      args: [...quantize, "--layers", "first"],
      code: 2,
      says: "first is not JSON",
    },
    { name: "a seed that is none", args: [...quantize, "--seed", "-1"], code: 2, says: "-1 is not a whole number" },
    { name: "no threads", args: [...quantize, "--threads", "0"], code: 2, says: "0 is not a whole number from 1 on" },
    { name: "a flag before the command", args: ["--quiet", ...quantize], code: 2, says: "--quiet would do nothing" },
    { name: "a missing file", args: ["inspect", "nothing.onnx"], code: 1, says: "nothing.onnx" },
    { name: "a file that is no model", args: ["inspect", "text.txt"], code: 1, says: "not an ONNX model" },
    { name: "a folder that is not there", args: [...quantize, "-o", "no/such/out.onnx"], code: 1, says: "no/such" },
  ])("$name: $code", async ({ name, args, code, says }) => {
    const cwd = workplace(name);
    writeFileSync(join(cwd, "text.txt"), "hello, this is not a model\n");
    const before = readdirSync(cwd);
    const result = await pare(cwd, args);
    expect(result.stderr).toContain(says);
    expect(result.stderr).not.toMatch(/\n\s+at /);
    expect(result.code).toBe(code);
    expect(readdirSync(cwd)).toEqual(before);
  });

  test("no form passes the gate: 3, and nothing is written", async () => {
    const cwd = workplace("gate");
    const graph = graphBuilder("no weights");
    const x = graph.input("x", "float32", [1, 8]);
    graph.output(String(graph.node("Relu", [x], { outputs: ["y"] })), "float32", [1, 8]);
    writeFileSync(join(cwd, "bare.onnx"), await toBytes(graph.model({ opset: 17 })));
    const result = await pare(cwd, ["bare.onnx"]);
    expect(result.code).toBe(3);
    expect(result.stderr).toContain("No form passed");
    expect(readdirSync(cwd).sort()).toEqual(["bare.onnx", "model.onnx"]);
  });

  test("check, of a model that will not run on the target: 3, with the reason on stdout", async () => {
    const cwd = workplace("check");
    const graph = graphBuilder("double");
    const x = graph.input("x", "float64", [2]);
    graph.output(String(graph.node("Abs", [x], { name: "double", outputs: ["y"] })), "float64", [2]);
    writeFileSync(join(cwd, "double.onnx"), await toBytes(graph.model({ opset: 17 })));
    const refused = await pare(cwd, ["check", "double.onnx", "--target", "webgpu"]);
    expect(refused.code).toBe(3);
    expect(refused.stdout).toMatch(/double.onnx on webgpu: will not run.*no kernel of Abs/s);
    const fine = await pare(cwd, ["check", "double.onnx", "--target", "node"]);
    expect(fine.code).toBe(0);
    expect(fine.stdout).toContain("double.onnx on node: runs");
  });
});

describe("output", () => {
  test("--json is one document on stdout and nothing else", async () => {
    const cwd = workplace("json");
    const result = await pare(cwd, [...quantize, "-o", "out.onnx", "--json"]);
    expect(result.code).toBe(0);
    const answer = JSON.parse(result.stdout);
    expect(answer).toMatchObject({ input: "model.onnx", verification: { verified: "full" } });
    expect(answer.bytes.after).toBe(readFileSync(join(cwd, "out.onnx")).byteLength);
    expect(answer.bytes.after).toBeLessThan(answer.bytes.before / 3);
  });

  test.each([
    { name: "a missing file", args: ["inspect", "nothing.onnx", "--json"], code: "file-missing", exit: 1 },
    { name: "an unknown flag", args: [...quantize, "--wieghts", "--json"], code: "usage-unknown-option", exit: 2 },
    { name: "a flag too early", args: ["--json", ...quantize], code: "usage-order", exit: 2 },
    { name: "options at odds", args: [...quantize, "--only", "nothing", "--json"], code: "pattern-unmatched", exit: 1 },
  ])("--json of $name is one document with the error; people read stderr", async ({ name, args, code, exit }) => {
    const result = await pare(workplace(`json of ${name}`), args);
    const { error } = JSON.parse(result.stdout);
    expect(error).toMatchObject({ code, message: expect.stringMatching(/./) });
    expect(result.stderr).toContain(error.message);
    if (error.hint !== undefined) expect(result.stderr).toContain(error.hint);
    expect(result.code).toBe(exit);
  });

  test("check --json: every node with its verdict, one document", async () => {
    const cwd = workplace("check-json");
    const { code, stdout } = await pare(cwd, ["check", "model.onnx", "--target", "wasm", "--json"]);
    expect(code).toBe(0);
    const answer = JSON.parse(stdout);
    expect(answer).toMatchObject({ path: "model.onnx", target: "wasm", runs: true, model: [] });
    expect(answer.nodes.length).toBeGreaterThan(5);
    expect(answer.counts.runs).toBe(answer.nodes.length);
    for (const node of answer.nodes) expect(node).toMatchObject({ verdict: "runs", findings: [] });
    expect(answer.sources.wasm).toContain("onnxruntime-web");
  });

  test("--quiet says nothing", async () => {
    const cwd = workplace("quiet");
    expect(await pare(cwd, [...quantize, "--quiet"])).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(cwd)).toContain("model.pared.onnx");
  });

  test("--dry-run writes nothing", async () => {
    const cwd = workplace("dry");
    const result = await pare(cwd, [...quantize, "--dry-run"]);
    expect(result.code).toBe(0);
    expect(result.stderr).toContain("int8");
    expect(readdirSync(cwd)).toEqual(["model.onnx"]);
  });

  test("the input may be the output: it is replaced whole, and is a model again", async () => {
    const cwd = workplace("over");
    const before = readFileSync(join(cwd, "model.onnx")).byteLength;
    expect((await pare(cwd, [...quantize, "-o", "model.onnx"])).code).toBe(0);
    expect(readFileSync(join(cwd, "model.onnx")).byteLength).toBeLessThan(before / 3);
    expect((await pare(cwd, ["inspect", "model.onnx", "--json"])).code).toBe(0);
    expect(readdirSync(cwd)).toEqual(["model.onnx"]);
  });

  test("Ctrl-C stops it, and leaves the folder as it was", async () => {
    const cwd = workplace("interrupt");
    const result = await pare(cwd, ["model.onnx", "--memory", "4GiB"], 1500);
    expect(result.stderr).toContain("Stopped");
    expect(result.code).toBe(1);
    expect(readdirSync(cwd)).toEqual(["model.onnx"]);
  });

  test("--dim and --shape are written into the file by --fix-dims", async () => {
    const cwd = workplace("fixed");
    const result = await pare(cwd, [...quantize, "--dim", "batch=4", "--fix-dims", "-o", "fixed.onnx"]);
    expect(result.code).toBe(0);
    const { stdout } = await pare(cwd, ["inspect", "fixed.onnx", "--json"]);
    expect(JSON.parse(stdout).inputs[0].shape[0]).toBe(4);
  });
});
