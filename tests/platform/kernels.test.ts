// The real worker threads, as built: reading files, errors, replaced files, the end of the process.

import { execFile } from "node:child_process";
import { mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "tsdown";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { reference } from "../../src/kernels/dispatch.js";
import type { KernelPool } from "../../src/kernels/pool.js";
import type * as slabs from "../../src/kernels/slabs.js";
import { fileIdentity } from "../../src/platform/node/file-identity.js";
import { sourceData } from "../../src/tensor/tensor.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "pare-kernels-"));
const values = Float32Array.from({ length: 1000 * 512 }, (_, i) => Math.sin(i * i));
const raw = new Uint8Array(values.buffer);
const path = join(folder, "weights.bin");
const form = {
  from: "float32",
  rows: 1000,
  columns: 512,
  along: "columns",
  block: 32,
  bits: 4,
  symmetric: true,
} as const;

let kernels: (threads?: number) => Promise<KernelPool>;
let pool: KernelPool;
let castFloat16: typeof slabs.castFloat16;
let quantizeBlocks: typeof slabs.quantizeBlocks;
beforeAll(async () => {
  writeFileSync(path, raw);
  await build({
    cwd: root,
    config: false,
    logLevel: "error",
    entry: {
      kernels: join(root, "src/platform/node/kernels.ts"),
      slabs: join(root, "src/kernels/slabs.ts"),
      "kernel-worker": join(root, "src/platform/node/kernel-worker.ts"),
    },
    outDir: join(folder, "dist"),
    format: "esm",
    platform: "node",
    fixedExtension: false,
    dts: false,
  });
  ({ kernels } = await import(pathToFileURL(join(folder, "dist/kernels.js")).href));
  ({ castFloat16, quantizeBlocks } = await import(pathToFileURL(join(folder, "dist/slabs.js")).href));
  pool = await kernels(2);
});
afterAll(async () => {
  await pool?.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const handleOf = (file: string) => ({ path: file, identity: fileIdentity(statSync(file, { bigint: true })) });
const equal = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(Buffer.from(b));

describe("worker threads", () => {
  test("read their input from the file and give what the reference gives", async () => {
    const expected = reference["quantize-blocks"](raw, form);
    const source = {
      name: path,
      size: raw.length,
      handle: handleOf(path),
      read: () => Promise.reject(new Error("main")),
    };
    for (let i = 0; i < 3; i++) {
      const found = await quantizeBlocks(pool, sourceData(source, 0, raw.length), form);
      expect(equal(found.codes, expected.bytes)).toBe(true);
      expect([...found.scales]).toEqual([...expected.scales]);
    }
  });

  test("take bytes, which the caller gives up, and many jobs at once", async () => {
    const jobs = Array.from({ length: 40 }, (_, i) => raw.slice(i * 4000, i * 4000 + 4000));
    const expected = jobs.map((bytes) => reference["cast-float16"](bytes, {}));
    const found = await Promise.all(jobs.map((bytes) => pool.run("cast-float16", { bytes }, {})));
    expect(found.map(({ bytes }) => [...bytes])).toEqual(expected.map(({ bytes }) => [...bytes]));
    expect(jobs.every((bytes) => bytes.byteLength === 0)).toBe(true);
  });

  test("read Blobs", async () => {
    const handle = { blob: new Blob([raw.slice(0, 8000)]) };
    const found = await pool.run("cast-float16", { handle, offset: 400, length: 4000 }, {});
    expect(equal(found.bytes, reference["cast-float16"](raw.slice(400, 4400), {}).bytes)).toBe(true);
  });

  test("a file renamed over the one that was opened is not read in its place", async () => {
    const file = join(folder, "model.onnx");
    writeFileSync(file, raw);
    const opened = handleOf(file);
    const source = {
      name: file,
      size: raw.length,
      handle: opened,
      read: async (o: number, n: number) => raw.subarray(o, o + n),
    };
    const first = await pool.run("cast-float16", { handle: opened, offset: 0, length: 4 }, {});
    expect(first.bytes.length).toBe(2);
    writeFileSync(`${file}.new`, new Uint8Array(raw.length));
    renameSync(`${file}.new`, file);

    await expect(pool.run("cast-float16", { handle: opened, offset: 0, length: 4 }, {})).rejects.toMatchObject({
      name: "PareError",
      code: "file-replaced",
      node: file,
    });
    const halves: Uint8Array[] = [];
    for await (const { bytes } of castFloat16(pool, sourceData(source, 0, raw.length))) halves.push(bytes);
    expect(equal(Buffer.concat(halves), reference["cast-float16"](raw, {}).bytes)).toBe(true);
    // Without an identity the path means what stands there now, not what a worker had open.
    const now = await pool.run(
      "statistics",
      { handle: { path: file }, offset: 0, length: raw.length },
      {
        from: "float32",
        rows: 1000,
        columns: 512,
        keep: "none",
      },
    );
    expect(now.nonZero).toBe(0);
  });

  test("errors come back as ours, and the worker works on", async () => {
    const past = { handle: { path }, offset: raw.length - 4, length: 8 };
    await expect(pool.run("cast-float16", past, {})).rejects.toMatchObject({ code: "file-truncated", kind: "failed" });
    const missing = { handle: { path: join(folder, "none") }, offset: 0, length: 8 };
    await expect(pool.run("cast-float16", missing, {})).rejects.toMatchObject({ name: "PareError", kind: "failed" });
    await expect(pool.run("quantize-blocks", { bytes: raw.slice(0, 8) }, form)).rejects.toMatchObject({
      kind: "internal",
    });
    expect((await pool.run("cast-float16", { bytes: new Uint8Array(4) }, {})).bytes).toHaveLength(2);
  });

  test("disposing rejects what was under way and what comes after", async () => {
    const own = await kernels(1);
    const jobs = Array.from({ length: 6 }, () => own.run("cast-float16", { bytes: new Uint8Array(2 ** 20) }, {}));
    const settled = Promise.allSettled(jobs);
    await own.dispose();
    expect((await settled).some((job) => job.status === "rejected" && job.reason.code === "cancelled")).toBe(true);
    await expect(own.run("cast-float16", { bytes: new Uint8Array(4) }, {})).rejects.toMatchObject({
      code: "cancelled",
    });
  });

  test("a pool that is not disposed of keeps no process alive, and lets none end before its answers", async () => {
    const script = `
      import { kernels } from ${JSON.stringify(pathToFileURL(join(folder, "dist/kernels.js")).href)};
      const pool = await kernels(2);
      await new Promise((done) => setTimeout(done, 10));
      const { bytes } = await pool.run("cast-float16", { bytes: new Uint8Array(4000) }, {});
      console.log(bytes.length);`;
    const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 120_000 });
    expect((await run).stdout).toBe("2000\n");
  });
});

test("from TypeScript sources the workers start too", async () => {
  const sources = await import("../../src/platform/node/kernels.js");
  const own = await sources.kernels(1);
  const input = { handle: handleOf(path), offset: 0, length: 4000 };
  const found = await own.run("cast-float16", input, {});
  await own.dispose();
  expect(equal(found.bytes, reference["cast-float16"](raw.slice(0, 4000), {}).bytes)).toBe(true);
});
