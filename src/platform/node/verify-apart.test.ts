import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { graphBuilder } from "../../ir/build.js";
import { toBytes } from "../../onnx/encode.js";
import { float32 } from "../../tensor/tensor.js";
import type { Feeds } from "../../tensor/value.js";
import { verifyApart } from "./verify-apart.js";

let folder: string;
const at = (name: string) => join(folder, name);

function twoLayers(factor: number, output = "y") {
  const b = graphBuilder();
  const weights = Float32Array.from({ length: 16 }, (_, i) => factor * (i % 5) - 1);
  const hidden = b.node("MatMul", [b.input("x", "float32", ["n", 4]), b.initializer("w", float32([4, 4], weights))]);
  b.output(b.node("MatMul", [hidden, b.initializer("v", float32([4, 4], weights))], { outputs: [output] }), "float32");
  return toBytes(b.model());
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pare-verify-"));
  await writeFile(at("a.onnx"), await twoLayers(1));
  await writeFile(at("b.onnx"), await twoLayers(1.1));
  await writeFile(at("c.onnx"), await twoLayers(1, "z"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const feeds: Feeds[] = [{ x: { dtype: "float32", dims: [1, 4], data: Float32Array.of(1, 2, 3, 4) } }];

test.each(["full", "segments"] as const)("a child process compares two files: %s", async (mode) => {
  const same = await verifyApart({ reference: at("a.onnx"), result: at("a.onnx"), feeds, mode });
  expect(same).toMatchObject({ verified: mode, samples: 1 });
  // Infinity crosses processes.
  expect(same.outputs[0]).toMatchObject({ name: "y", cosine: 1, sqnrDb: Number.POSITIVE_INFINITY });
  const other = await verifyApart({ reference: at("a.onnx"), result: at("b.onnx"), feeds, mode });
  expect(other.outputs[0]!.sqnrDb).toBeLessThan(40);
});

test("what the comparison throws arrives as a PareError; what the runtime refuses is a reason", async () => {
  const missing = verifyApart({ reference: at("a.onnx"), result: at("c.onnx"), feeds });
  await expect(missing).rejects.toMatchObject({ name: "PareError", code: "compare-output-missing", node: "y" });
  const bad: Feeds[] = [{ x: { dtype: "float32", dims: [1, 3], data: Float32Array.of(1, 2, 3) } }];
  const refused = await verifyApart({ reference: at("a.onnx"), result: at("a.onnx"), feeds: bad });
  expect(refused).toMatchObject({ verified: "no", samples: 0 });
  expect(refused.reason).toContain("x");
});

test("cancelling ends the child", async () => {
  const controller = new AbortController();
  const running = verifyApart({ reference: at("a.onnx"), result: at("a.onnx"), feeds }, controller.signal);
  controller.abort(new Error("stop"));
  await expect(running).rejects.toThrow("stop");
});
