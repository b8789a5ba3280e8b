import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelBytes } from "../../engine/model-bytes.js";
import { graphBuilder } from "../../ir/build.js";
import { encode } from "../../onnx/encode.js";
import { float32 } from "../../tensor/tensor.js";
import { open } from "./files.js";
import { serve } from "./machine.js";

const folder = mkdtempSync(join(tmpdir(), "pare-model-bytes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = join(folder, "model.onnx");
const location = "parts/weights.bin";

async function whole(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

beforeAll(async () => {
  const b = graphBuilder();
  const w = b.initializer("w", float32([16, 64], new Float32Array(1024).fill(1)));
  b.output(b.node("MatMul", [b.input("x", "float32", [1, 16]), w]), "float32", [1, 64]);
  const encoded = encode(b.model(), { external: { location } });
  mkdirSync(dirname(join(folder, location)));
  writeFileSync(join(folder, location), await whole(encoded.external!.stream()));
  writeFileSync(path, await whole(encoded.stream()));
  // Not the model's, though called like it.
  writeFileSync(join(folder, "model.onnx.backup"), new Uint8Array(100_000));
});

test("the files that the model names, and no other", async () => {
  const source = await (await modelBytes(path, open))();
  if ("path" in source) throw new Error("not in memory");
  expect(source.external?.map((file) => [file.path, file.data.byteLength])).toEqual([[location, 4096]]);
  expect(source.bytes.byteLength).toBeLessThan(4096);
});

test("a data file that is not there is named", async () => {
  const missing = join(folder, "other", "model.onnx");
  mkdirSync(dirname(missing));
  const b = graphBuilder();
  const w = b.initializer("w", float32([32, 32], new Float32Array(1024)));
  b.output(b.node("Identity", [w]), "float32", [32, 32]);
  writeFileSync(missing, await whole(encode(b.model(), { external: { location: "gone.bin" } }).stream()));
  await expect(modelBytes(missing, open)).rejects.toMatchObject({ code: "external-missing" });
});

test("WASM serves a model whose data file has another name", async () => {
  const feeds = { x: { dtype: "float32", dims: [1, 16], data: new Float32Array(16) } } as const;
  expect(await serve(path, feeds, { provider: "wasm" })).toMatchObject({ loadMs: expect.any(Number) });
});
