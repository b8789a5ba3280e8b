// The library in a real browser: packed, installed, bundled by Vite, served cross-origin isolated, run in Chromium. It
// gives the bytes that Node gives, and the numbers that Node gives within the rounding of another runtime.

import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Browser, chromium as playwright } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Recipe, RecipeStep } from "../../src/index.js";
import { graphBuilder } from "../../src/ir/build.js";
import { toBytes } from "../../src/onnx/encode.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import { chromium } from "../support/chromium.js";
import { example } from "../support/package.js";
import { root } from "../support/root.js";
import { type Consumer, install, pack } from "./consumer.js";
import type { PageHashes, PageResult, PageTest, PageTraining } from "./page/result.js";
import { settings, stripes } from "./page/training.js";

const executablePath = chromium();
const why = "no Chromium: set CHROMIUM_PATH or install one (apt-get install chromium)";

/** WASM adds in another order than the CPU kernels; logits are of the order of 10. */
const tolerance = 1e-3;
const headers = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

describe.skipIf(executablePath === undefined)(`in Chromium${executablePath === undefined ? ` (${why})` : ""}`, () => {
  let tarball: string;
  let consumer: Consumer;
  let server: PreviewServer;
  let browser: Browser;
  const messages: string[] = [];

  beforeAll(async () => {
    ({ tarball } = pack());
    // Nothing of Node's may be needed: the optional packages are left out.
    consumer = install(tarball, "--omit=optional");
    const { folder } = consumer;
    cpSync(join(root, "tests", "platform", "page"), folder, { recursive: true });
    mkdirSync(join(folder, "public"));
    cpSync(join(example, "model.onnx"), join(folder, "public", "model.onnx"));
    writeFileSync(join(folder, "public", "cnn.onnx"), await toBytes(smallCnn()));
    writeFileSync(join(folder, "public", "sparse.onnx"), await toBytes(mostlyZero()));
    const config = { root: folder, configFile: false, logLevel: "error" } as const;
    await build({ ...config, build: { target: "es2022", outDir: "dist" } });
    server = await preview({ ...config, preview: { port: 0, headers } });
    browser = await playwright.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
  }, 300_000);

  afterAll(async () => {
    await browser?.close();
    await server?.close();
    consumer?.remove();
    if (tarball) rmSync(dirname(tarball), { recursive: true });
  });

  const recipes: Readonly<Record<string, Recipe>> = {
    "self-extracting int8": [{ method: "clean" }, { method: "quantize", weights: "int8", activations: "float" }],
    "float16 weights": [{ method: "quantize", weights: "float16", compute: "stored" }],
  };

  test.each(Object.entries(recipes))(
    "%s: the same file and the same answers as in Node",
    { timeout: 300_000 },
    async (_, recipe) => {
      const feed = firstSample();
      const page = await browser.newPage();
      page.on("console", (message) => messages.push(message.text()));
      page.on("pageerror", (error) => messages.push(String(error)));
      const address = server.resolvedUrls?.local[0] ?? "";
      await page.goto(address);
      await page.waitForFunction(() => "pareTest" in globalThis, undefined, { timeout: 120_000 });
      const inPage: PageResult = await page
        .evaluate(([steps, values]) => (globalThis as unknown as { pareTest: PageTest }).pareTest(steps, values), [
          recipe,
          feed,
        ] as const)
        .catch((error: unknown) => {
          throw new Error(`${error}\n${messages.join("\n")}`);
        });
      await page.close();

      const inNode = await node(recipe, feed);
      expect(inPage.isolated).toBe(true);
      expect(inPage.fromBlob).toBe(true);
      expect(inPage.operators).toBe(inNode.operators);
      expect(Buffer.compare(Buffer.from(inPage.smallBytes), inNode.smallBytes)).toBe(0);
      expect(inPage.smallBytes.length).toBeLessThan(inPage.bytes);
      expect(inPage.reference).toHaveLength(12);
      expect(largestDifference(inPage.reference, inNode.reference)).toBeLessThan(tolerance);
      expect(largestDifference(inPage.result, inNode.result)).toBeLessThan(tolerance);
      expect(largestDifference(inPage.result, inPage.reference)).toBeGreaterThan(0);
    },
  );

  test.each(["model.onnx", "sparse.onnx"])(
    "weight-only recipes write the bytes that they write in Node: %s",
    { timeout: 300_000 },
    async (name) => {
      const asked = Object.entries(weightOnly).filter(([, { form, sparse }]) =>
        // Products that are read packed, and zeros, are in one of the two models only.
        name === "sparse.onnx" ? true : form !== "native" && sparse === undefined,
      );
      const steps = asked.map(([, options]): Recipe => [{ method: "quantize", minimum: 64, ...options }]);
      const page = await browser.newPage();
      await page.goto(server.resolvedUrls?.local[0] ?? "");
      await page.waitForFunction(() => "pareHashes" in globalThis, undefined, { timeout: 120_000 });
      const inPage = await page.evaluate(
        ([address, recipes]) => (globalThis as unknown as { pareHashes: PageHashes }).pareHashes(address, recipes),
        [name, steps] as const,
      );
      await page.close();
      const inNode = await nodeHashes(join(consumer.folder, "public", name), steps);
      const named = (hashes: readonly string[]) => Object.fromEntries(asked.map(([label], at) => [label, hashes[at]]));
      expect(named(inPage)).toEqual(named(inNode));
      // Each of them did something of its own.
      expect(new Set(inNode).size).toBe(asked.length);
    },
  );

  test("five steps of training give the losses that they give in Node", { timeout: 120_000 }, async () => {
    const page = await browser.newPage();
    page.on("pageerror", (error) => messages.push(String(error)));
    await page.goto(server.resolvedUrls?.local[0] ?? "");
    await page.waitForFunction(() => "pareTraining" in globalThis, undefined, { timeout: 30_000 });
    const inPage = await page.evaluate(
      (address) => (globalThis as unknown as { pareTraining: PageTraining }).pareTraining(address),
      "cnn.onnx",
    );
    await page.close();
    const pare = (await import(join(root, "dist", "node", "index.js"))) as typeof import("../../src/index.js");
    const model = await pare.load(join(consumer.folder, "public", "cnn.onnx"));
    const { log } = await pare.finetune(model, settings, { data: stripes(), threads: 1 });
    const inNode = log.map(({ loss }) => loss);
    expect(inNode).toHaveLength(5);
    // It learns: the same five numbers would also be equal.
    expect(inNode[4]!).toBeLessThan(inNode[0]!);
    expect(largestDifference(inPage.losses, inNode)).toBeLessThan(1e-4);
    expect(inPage.accuracy).toBe(log.at(-1)!.held!.metric!.value);
  });
});

type Options = Omit<Extract<RecipeStep, { method: "quantize" }>, "method">;

/** Kernels, searches, draws, clustering and packing of their own; blocks that come out even and short. */
const weightOnly: Readonly<Record<string, Options>> = {
  "int4 in blocks": { weights: "int4", form: "extract" },
  "uint3, least squared error": { weights: "uint3", form: "extract", range: "mse" },
  "int8, drawn": { weights: "int8", form: "extract", rounding: "stochastic" },
  "nf4, native": { weights: "nf4", form: "native" },
  mxfp4: { weights: "mxfp4" },
  nvfp4: { weights: "nvfp4" },
  codebook: { weights: "codebook", form: "extract", entries: 8 },
  ternary: { weights: "ternary", form: "extract" },
  bfloat16: { weights: "bfloat16" },
  "packed for brotli": { weights: "float16", compute: "stored", pack: "brotli" },
  "sparse codes": { weights: "int8", form: "extract", sparse: "bitmask" },
};

/** Pictures of 12 x 12 to three classes by two convolutions. */
function smallCnn() {
  const source = random(4);
  const drawn = (inputs: number, ...dims: number[]) =>
    float32(
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => source.normal() / Math.sqrt(inputs)),
    );
  const b = graphBuilder();
  const conv = (x: string, name: string, from: number, to: number) => {
    const weights = [
      b.initializer(`${name}.w`, drawn(9 * from, to, from, 3, 3)),
      b.initializer(`${name}.b`, drawn(1e4, to)),
    ];
    const out = b.node("Conv", [x, ...weights], { name, attributes: { pads: [1, 1, 1, 1] } });
    return b.node("Relu", [out]);
  };
  const first = conv(b.input("x", "float32", ["n", 1, 12, 12]), "first", 1, 8);
  const pooled = b.node("MaxPool", [first], { attributes: { kernel_shape: [2, 2], strides: [2, 2] } });
  const second = b.node("GlobalAveragePool", [conv(pooled, "second", 8, 8)]);
  const flat = b.node("Flatten", [second]);
  const logits = b.node("Gemm", [
    flat,
    b.initializer("last.w", drawn(8, 8, 3)),
    b.initializer("last.b", drawn(1e4, 3)),
  ]);
  b.output(b.node("Softmax", [logits], { outputs: ["p"], attributes: { axis: 1 } }), "float32", ["n", 3]);
  return b.model({ opset: 17 });
}

/** Two products, nine weights of ten zero. */
function mostlyZero() {
  const source = random(3);
  const weight = (rows: number, columns: number) =>
    float32(
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => (source.next() < 0.9 ? 0 : source.normal())),
    );
  const b = graphBuilder();
  b.input("x", "float32", [2, 80]);
  const inner = b.node("MatMul", ["x", b.initializer("first", weight(80, 96))]);
  b.output(b.node("MatMul", [inner, b.initializer("second", weight(96, 37))]), "float32", [2, 37]);
  return b.model({ opset: 17 });
}

/** The same by the Node build. */
async function node(recipe: Recipe, feed: readonly number[]) {
  const path = join(root, "dist", "node", "index.js");
  const pare = (await import(path)) as typeof import("../../src/index.js");
  const model = await pare.load(join(example, "model.onnx"));
  const { model: small } = await pare.compress(model, recipe);
  const feeds = { features: { dtype: "float32", dims: [1, 1, 49, 10], data: Float32Array.from(feed) } } as const;
  const first = (values: Awaited<ReturnType<typeof pare.run>>) =>
    Array.from(Object.values(values)[0]!.data as Float32Array);
  return {
    operators: (await pare.inspect(model)).operators.length,
    smallBytes: Buffer.from(await pare.saveBytes(small)),
    reference: first(await pare.run(model, feeds)),
    result: first(await pare.run(small, feeds)),
  };
}

async function nodeHashes(path: string, recipes: readonly Recipe[]): Promise<string[]> {
  const pare = (await import(join(root, "dist", "node", "index.js"))) as typeof import("../../src/index.js");
  const model = await pare.load(path);
  const hashes: string[] = [];
  for (const recipe of recipes) {
    const { model: small } = await pare.compress(model, recipe, { seed: 5 });
    hashes.push(
      createHash("sha256")
        .update(await pare.saveBytes(small))
        .digest("hex"),
    );
  }
  return hashes;
}

function firstSample(): number[] {
  const codes = new Int8Array(readFileSync(join(example, "samples.bin"))).subarray(0, 490);
  return Array.from(codes, (code) => (code - 83) * 0.5847029);
}

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length && a.length > 0 ? Math.max(...a.map((value, at) => Math.abs(value - b[at]!))) : Number.NaN;
