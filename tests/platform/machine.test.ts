// The machine as Node sees it: compression as zlib does it, and models served by a process of their own.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { graphBuilder } from "../../src/ir/build.js";
import { toBytes } from "../../src/onnx/encode.js";
import {
  compressedSize,
  cores,
  freeMemory,
  importModule,
  machine,
  now,
  serve,
} from "../../src/platform/node/machine.js";
import { float32 } from "../../src/tensor/tensor.js";

const folder = mkdtempSync(join(tmpdir(), "pare-machine-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function* inPieces(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("compressed size", () => {
  const bytes = Uint8Array.from({ length: 200_000 }, (_, i) => (i * i) >> 7);

  test("gzip is level 6, brotli quality 5, whatever the pieces", async () => {
    expect(await compressedSize("gzip", inPieces(bytes, 1000))).toBe(gzipSync(bytes, { level: 6 }).byteLength);
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }).byteLength;
    const streamed = await compressedSize("brotli", inPieces(bytes, 77_777));
    expect(Math.abs(streamed! - brotli) / brotli).toBeLessThan(0.01);
  });

  test("an error of the source comes through", async () => {
    const broken = (async function* () {
      yield bytes;
      throw new Error("the disk is gone");
    })();
    await expect(compressedSize("gzip", broken)).rejects.toThrow("the disk is gone");
  });
});

test("the machine is described", async () => {
  const found = await machine();
  expect(found.cores).toBe(cores());
  expect(found.memory).toBeGreaterThan(2 ** 28);
  expect(found.runtime).toMatch(/^onnxruntime-/);
  expect(freeMemory()).toBeGreaterThan(0);
  expect(freeMemory()).toBeLessThanOrEqual(found.memory);
  const before = now();
  expect(now()).toBeGreaterThanOrEqual(before);
});

test("a module is imported by path, and a missing one is named", async () => {
  const path = join(folder, "data.mjs");
  writeFileSync(path, "export const answer = 42;\n");
  expect((await importModule(path)).answer).toBe(42);
  await expect(importModule(join(folder, "gone.mjs"))).rejects.toMatchObject({ code: "file-missing" });
});

describe("serve", () => {
  test("tells load time and peaks of a process of its own, more for a larger model", async () => {
    const paths = { small: 16, large: 3000 };
    const served: Record<string, Awaited<ReturnType<typeof serve>>> = {};
    for (const [name, size] of Object.entries(paths)) {
      const b = graphBuilder();
      b.input("x", "float32", [1, size]);
      const w = b.initializer("w", float32([size, size], new Float32Array(size * size).fill(0.5)));
      b.node("MatMul", ["x", w], { outputs: ["y"] });
      b.output("y", "float32", [1, size]);
      const path = join(folder, `${name}.onnx`);
      writeFileSync(path, await toBytes(b.model()));
      served[name] = await serve(path, { x: { dtype: "float32", dims: [1, size], data: new Float32Array(size) } });
    }
    for (const own of Object.values(served)) {
      expect(own?.loadMs).toBeGreaterThan(0);
      expect(own!.baseBytes).toBeGreaterThan(10e6);
      expect(own!.peakLoadBytes).toBeGreaterThanOrEqual(own!.baseBytes * 0.9);
      expect(own!.peakBytes).toBeGreaterThanOrEqual(own!.peakLoadBytes);
    }
    // The weight has 36 MB, and the runtime holds it once at least.
    expect(served.large!.peakBytes - served.large!.baseBytes).toBeGreaterThan(30e6);
    expect(served.small!.peakBytes - served.small!.baseBytes).toBeLessThan(30e6);
  });

  test("what the runtime refuses is our error", async () => {
    const path = join(folder, "broken.onnx");
    writeFileSync(path, "not a model");
    await expect(serve(path, {})).rejects.toMatchObject({ code: "serve-failed" });
  });
});
