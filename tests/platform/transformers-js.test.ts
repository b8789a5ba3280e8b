// What pare writes for transformers.js is loaded by transformers.js itself: every dtype, on the CPU in Node and on WASM in
// Chromium, beside fp32.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  AutoModelForCausalLM,
  AutoModelForSeq2SeqLM,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  env,
  LogLevel,
} from "@huggingface/transformers";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { exportForTransformersJs, type TransformersJsExport } from "../../src/export-for-transformers-js.js";
import { HUB_DTYPES } from "../../src/hub/dtypes.js";
import { chromium } from "../support/chromium.js";
import { type HubKind, writeHubFolder } from "../support/hub-folder.js";
import { root } from "../support/root.js";
import { type StaticServer, serveStatic } from "../support/static-server.js";

type Dtype = NonNullable<Exclude<Parameters<typeof AutoModelForCausalLM.from_pretrained>[1], undefined>["dtype"]>;

/** The least cosine of the logits to those of fp32; random weights forgive less than trained ones. */
const LEAST: Readonly<Record<string, number>> = {
  fp32: 0.99999,
  fp16: 0.9999,
  q8: 0.99,
  int8: 0.99,
  uint8: 0.99,
  q4: 0.97,
  bnb4: 0.97,
  q4f16: 0.97,
  q2: 0.8,
  q2f16: 0.8,
  q1: 0.5,
  q1f16: 0.5,
};
const names = HUB_DTYPES.map(({ name }) => name);
const text = "the big dog sat on a mat";

let folder = "";
const exports = new Map<HubKind, TransformersJsExport>();
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pare-hub-"));
  for (const [kind, dtypes] of [
    ["classifier", undefined],
    ["decoder", undefined],
    ["encoder-decoder", ["fp32", "q8", "q4f16"]],
  ] as const) {
    await writeHubFolder(join(folder, `${kind}.float`), kind);
    exports.set(kind, await exportForTransformersJs(join(folder, `${kind}.float`), join(folder, kind), { dtypes }));
  }
  env.localModelPath = folder;
  env.allowRemoteModels = false;
  env.useFSCache = false;
  env.logLevel = LogLevel.ERROR;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const dtypeOf = (name: string) => ({ dtype: name as Dtype, device: "cpu" as const });

describe("the list", () => {
  it("is that of the installed package, with its suffixes", async () => {
    // The package does not export it, so it is read from its source: a version that gains a dtype fails here.
    const path = join(root, "node_modules", "@huggingface", "transformers", "src", "utils", "dtypes.js");
    const { DATA_TYPES, DEFAULT_DTYPE_SUFFIX_MAPPING } = (await import(path)) as {
      DATA_TYPES: Record<string, string>;
      DEFAULT_DTYPE_SUFFIX_MAPPING: Record<string, string>;
    };
    const known = Object.keys(DATA_TYPES).filter((name) => name !== "auto");
    expect(names.toSorted()).toEqual(known.toSorted());
    expect(Object.fromEntries(HUB_DTYPES.map(({ name, suffix }) => [name, suffix]))).toEqual(
      DEFAULT_DTYPE_SUFFIX_MAPPING,
    );
  });

  it("has no dtype that was skipped, and each file was verified", () => {
    for (const { files } of exports.values()) {
      expect(files.filter(({ saved }) => saved === undefined)).toEqual([]);
      const proofs = files.filter(({ dtype }) => dtype !== "fp32").map(({ verification }) => verification?.verified);
      expect(new Set(proofs)).toEqual(new Set(["full"]));
    }
    expect(exports.get("classifier")!.files.map(({ dtype }) => dtype)).toEqual(names);
  });
});

describe("in Node, on the CPU", () => {
  it.each(names)("classifies with %s", async (name) => {
    const logits = await classified(name);
    expect(logits).toHaveLength(32);
    expect(cosine(logits, await classified("fp32"))).toBeGreaterThanOrEqual(LEAST[name]!);
  });

  it.each(names)("writes on with %s, from cache to cache", async (name) => {
    const [found, expected] = [await written(name), await written("fp32")];
    expect(found.cache).toBe(name.endsWith("16") ? "float16" : "float32");
    expect(found.tokens.slice(0, 4)).toEqual([4, 14, 5, 6]);
    expect(found.tokens.length).toBeGreaterThan(4);
    expect(cosine(found.logits, expected.logits)).toBeGreaterThanOrEqual(LEAST[name]!);
    if (LEAST[name]! >= 0.99) expect(found.tokens).toEqual(expected.tokens);
  });

  it.each(["fp32", "q8", "q4f16"])("translates with encoder and decoder of %s", async (name) => {
    const model = await AutoModelForSeq2SeqLM.from_pretrained("encoder-decoder", dtypeOf(name));
    const made = await model.generate({ ...(await inputs("encoder-decoder")), max_new_tokens: 4, do_sample: false });
    await model.dispose();
    expect("dims" in made && made.dims[1]).toBeGreaterThan(1);
  });

  it("finds weights in data files by what config.json says", async () => {
    const from = join(folder, "classifier.float");
    const options = { dtypes: ["fp32", "q4"], external: true, dataLimit: 30_000 };
    await exportForTransformersJs(from, join(folder, "external"), options);
    const config = JSON.parse(readFileSync(join(folder, "external", "config.json"), "utf8"));
    const inFolder = readdirSync(join(folder, "external", "onnx"));
    const counts = config["transformers.js_config"].use_external_data_format;
    for (const file of ["model.onnx", "model_q4.onnx"]) {
      const data = inFolder.filter((name) => name.startsWith(`${file}_data`)).sort();
      expect(data).toEqual(data.map((_, at) => `${file}_data${at === 0 ? "" : `_${at}`}`));
      expect(counts[file]).toBe(data.length);
    }
    expect(counts["model.onnx"]).toBeGreaterThan(2);
    expect(await classified("q4", "external")).toEqual(await classified("q4"));
    expect(await classified("fp32", "external")).toEqual(await classified("fp32"));
  });
});

const executablePath = chromium();
const why = executablePath === undefined ? " (no Chromium: set CHROMIUM_PATH or install one)" : "";

describe.skipIf(executablePath === undefined)(`in Chromium, on WASM${why}`, () => {
  let server: StaticServer;
  let browser: Browser;
  let page: Page | undefined;
  beforeAll(async () => {
    const library = join(root, "node_modules", "@huggingface", "transformers", "dist", "transformers.min.js");
    const runtime = createRequire(library).resolve("onnxruntime-web");
    server = await serveStatic({ "/transformers.js": library, "/ort/": dirname(runtime), "/models/": folder });
    browser = await playwright.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
    await open();
  });
  // After one session that cannot be made, transformers.js makes none: its queue is broken.
  afterEach(({ task }) => (task.result?.state === "fail" ? open() : undefined));
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(): Promise<void> {
    await page?.close();
    page = await browser.newPage();
    await page.goto(server.url);
    const content = 'import * as all from "/transformers.js"; globalThis.transformers = all;';
    await page.addScriptTag({ type: "module", content });
    await page.waitForFunction(() => "transformers" in globalThis);
  }

  it.each(names)("classifies with %s, as in Node", async (name) => {
    const logits = await page!.evaluate(
      async ({ text, dtype }) => {
        const { AutoModelForSequenceClassification, AutoTokenizer, env, LogLevel } = (
          globalThis as unknown as { transformers: typeof import("@huggingface/transformers") }
        ).transformers;
        env.logLevel = LogLevel.ERROR;
        env.allowLocalModels = true;
        env.allowRemoteModels = false;
        env.localModelPath = "/models/";
        env.useBrowserCache = false;
        env.useWasmCache = false;
        const stem = "/ort/ort-wasm-simd-threaded.asyncify";
        env.backends.onnx.wasm!.wasmPaths = { mjs: `${stem}.mjs`, wasm: `${stem}.wasm` };
        env.backends.onnx.wasm!.numThreads = 1;
        const tokenizer = await AutoTokenizer.from_pretrained("classifier");
        const model = await AutoModelForSequenceClassification.from_pretrained("classifier", { dtype, device: "wasm" });
        const { logits } = await model(tokenizer(text));
        await model.dispose();
        return Array.from(logits.data as Float32Array);
      },
      { text, dtype: name as Dtype },
    );
    expect(cosine(logits, await classified("fp32"))).toBeGreaterThanOrEqual(LEAST[name]!);
    expect(cosine(logits, await classified(name))).toBeGreaterThanOrEqual(0.999);
  });
});

async function inputs(kind: string) {
  const tokenizer = await AutoTokenizer.from_pretrained(kind);
  return tokenizer(text);
}

async function classified(name: string, kind = "classifier"): Promise<number[]> {
  const model = await AutoModelForSequenceClassification.from_pretrained(kind, dtypeOf(name));
  const { logits } = await model(await inputs(kind));
  await model.dispose();
  return Array.from(logits.data as Float32Array);
}

async function written(name: string) {
  const model = await AutoModelForCausalLM.from_pretrained("decoder", dtypeOf(name));
  const tokenizer = await AutoTokenizer.from_pretrained("decoder");
  const given = await tokenizer("the big a cat");
  const { logits, ...others } = await model(given);
  const tokens = await model.generate({ ...given, max_new_tokens: 5, do_sample: false });
  await model.dispose();
  if (!("tolist" in tokens)) throw new Error("generate gave no tokens");
  return {
    logits: Array.from(logits.data as Float32Array),
    cache: others["present.0.key"].type as string,
    tokens: (tokens.tolist() as bigint[][])[0]!.map(Number),
  };
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) => x.reduce((sum, value, at) => sum + value * y[at]!, 0);
  return a.length === b.length ? dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b)) : Number.NaN;
}
