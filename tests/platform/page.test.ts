// The library in a real browser: packed, installed, bundled by Vite, served cross-origin isolated, run in Chromium. It
// gives the bytes that Node gives, and the numbers that Node gives within the rounding of another runtime.

import { cpSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Browser, chromium as playwright } from "playwright-core";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Recipe } from "../../src/index.js";
import { chromium } from "../support/chromium.js";
import { example } from "../support/package.js";
import { root } from "../support/root.js";
import { type Consumer, install, pack } from "./consumer.js";
import type { PageResult, PageTest } from "./page/result.js";

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
    { timeout: 120_000 },
    async (_, recipe) => {
      const feed = firstSample();
      const page = await browser.newPage();
      page.on("console", (message) => messages.push(message.text()));
      page.on("pageerror", (error) => messages.push(String(error)));
      const address = server.resolvedUrls?.local[0] ?? "";
      await page.goto(address);
      await page.waitForFunction(() => "pareTest" in globalThis, undefined, { timeout: 30_000 });
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
});

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

function firstSample(): number[] {
  const codes = new Int8Array(readFileSync(join(example, "samples.bin"))).subarray(0, 490);
  return Array.from(codes, (code) => (code - 83) * 0.5847029);
}

const largestDifference = (a: readonly number[], b: readonly number[]): number =>
  a.length === b.length && a.length > 0 ? Math.max(...a.map((value, at) => Math.abs(value - b[at]!))) : Number.NaN;
