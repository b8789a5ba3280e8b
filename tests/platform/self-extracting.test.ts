// What pare writes is loaded, decoded and computed by the builds of onnxruntime-web that its page uses, in a real Chromium:
// self-extracting weights in every number format, sparse ones in every form, and what docs/targets.md says of the others.
// Long because the list of what is tried, the page that runs it and the checks belong together.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { run } from "../../src/engine/run.js";
import type { Model } from "../../src/ir/model.js";
import { toBytes } from "../../src/onnx/encode.js";
import { formats, isPlain } from "../../src/quantize/formats/index.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { chromium } from "../support/chromium.js";
import { everyOperator, feeds, sparseWeights } from "../support/every-operator.js";
import { services } from "../support/services.js";
import { type StaticServer, serveStatic } from "../support/static-server.js";
import { stepContext } from "../support/step-context.js";

const executablePath = chromium();
const why = executablePath === undefined ? " (no Chromium: set CHROMIUM_PATH or install one)" : "";

const models = {
  dense: everyOperator(),
  sparse: everyOperator(sparseWeights(0.9)),
  nearlyEmpty: everyOperator(sparseWeights(0.997)),
};

type Options = Readonly<Record<string, unknown>>;
interface Choice {
  readonly title: string;
  readonly from: keyof typeof models;
  readonly options: Options;
  /** What its Notes say. */
  readonly says?: RegExp;
}

/** Every number format of the registry, in every granularity that it may have. */
const dense = formats.list.flatMap((format): Choice[] => {
  const choice = (title: string, options: Options): Choice => ({
    title: `${format.name}${title}`,
    from: "dense",
    options: { weights: format.name, ...(isPlain(format) ? {} : { form: "extract" }), ...options },
  });
  if (isPlain(format)) {
    if (!format.computes) return [choice("", {})];
    return [choice("", { compute: "stored" }), choice(", packed for brotli", { compute: "stored", pack: "brotli" })];
  }
  if (format.fixed) return [choice(" in its blocks", {})];
  if (format.kind === "learned") {
    return [
      choice(" of 6", { entries: 6 }),
      choice(" of 200", { entries: 200 }),
      choice(" a group of channels", { granularity: "channel", group: 4 }),
    ];
  }
  const parts = [
    choice(", one scale", { granularity: "tensor" }),
    choice(", a scale a channel", { granularity: "channel" }),
  ];
  return format.bits === 16 ? parts : [...parts, choice(" in blocks", { granularity: "block", block: 16 })];
});

const zeros: readonly Choice[] = [
  ...["float32", "float16", "bfloat16", "int8", "int4", "int3", "ternary", "nf4", "mxfp4", "codebook"].flatMap(
    (weights) =>
      ["bitmask", "gaps"].map(
        (form): Choice => ({
          title: `${weights}, zeros by ${form}`,
          from: "sparse",
          options: { weights, sparse: form },
        }),
      ),
  ),
  ...["float32", "nf4"].map(
    (weights): Choice => ({
      title: `${weights}, few numbers by long gaps`,
      from: "nearlyEmpty",
      options: { weights, sparse: "gaps" },
      says: /gaps of 16 bits/,
    }),
  ),
];

const choices = [...dense, ...zeros];

const layer = (match: string, options: Options) => ({ match: [match], form: "extract", ...options });
/** One of each way to decode in one model, since an adapter in software is slow: tables, planes, codebooks, zeros put in. */
const everyWay: Options = {
  weights: "int8",
  form: "extract",
  layers: [
    layer("even", { weights: "uint4" }),
    layer("odd", { weights: "int3" }),
    layer("long", { weights: "mxfp4" }),
    layer("gemm", { weights: "codebook" }),
    layer("conv", { weights: "ternary", granularity: "channel" }),
    layer("table", { weights: "int16" }),
    layer("tied", { weights: "int4", sparse: "gaps" }),
    layer("LSTM_w", { weights: "bfloat16", sparse: "bitmask" }),
    layer("outer", { weights: "nf4", sparse: "bitmask" }),
  ],
};
const gpuForms: readonly Choice[] = [
  { title: "float16, decoded at load", from: "dense", options: { weights: "float16", compute: "stored" } },
  { title: "one model of many formats", from: "sparse", options: everyWay, says: /mxfp4(?:.|\n)*gaps of 8 bits/ },
];

type Build = "wasm" | "webgpu";
const NO_GPU = "this Chromium has no WebGPU adapter, not even in software";
/** For an adapter in software, which compiles each shader anew. */
const SLOW = 240_000;
/** The fewest kernels first. */
const BUILDS = ["webgpu", "wasm"] as const;

/** What the page answers: every output, and of the nodes that ran, in order, operator and provider. */
interface Ran {
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly nodes: readonly (readonly [operator: string, on: string])[];
}

describe.skipIf(executablePath === undefined)(`in Chromium${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "pare-extracting-"));
  const runtime = dirname(createRequire(import.meta.url).resolve("onnxruntime-web/wasm"));
  let server: StaticServer;
  let browser: Browser;
  let page: Page;
  let gpu: string | undefined;

  beforeAll(async () => {
    server = await serveStatic({ "/ort/": runtime, "/models/": folder });
    const args = [
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-features=Vulkan",
    ];
    browser = await playwright.launch({ executablePath: executablePath!, args });
    await open();
  });
  // A session that cannot be made may leave the runtime unfit for others.
  afterEach(({ task }) => (task.result?.state === "fail" ? open() : undefined));
  afterAll(async () => {
    await browser?.close();
    await server?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(): Promise<void> {
    await page?.close();
    page = await browser.newPage();
    await page.goto(server.url);
    await page.evaluate(prepare);
    const content = ["wasm", "webgpu"].map((build) => `import * as ${build} from "/ort/ort.${build}.min.mjs";`);
    await page.addScriptTag({ type: "module", content: `${content.join("")} globalThis.builds = { wasm, webgpu };` });
    await page.waitForFunction(() => "builds" in globalThis);
    gpu = await page.evaluate(adapter);
  }

  it.each(choices)("$title", async ({ from, options, says }) => {
    const made = await quantized(models[from], options);
    if (says) expect(made.notes).toMatch(says);
    // The plain build has every kernel that the other has: there, one granularity of each format will do.
    const builds = options.granularity === undefined || options.granularity === "block" ? BUILDS : [BUILDS[0]];
    for (const build of builds) {
      const found = await inPage(made, build, "wasm");
      same(found, made);
      expect(found.nodes).toEqual(await ofFloat(from, build, "wasm"));
    }
  });

  it.for(gpuForms)("on WebGPU: $title", { timeout: SLOW }, async ({ from, options, says }, { skip }) => {
    skip(gpu === undefined, NO_GPU);
    const made = await quantized(models[from], options);
    if (says) expect(made.notes).toMatch(says);
    const found = await inPage(made, "webgpu", "webgpu");
    same(found, made);
    expect(found.nodes).toEqual(await ofFloat(from, "webgpu", "webgpu"));
  });

  it.for(["wasm", "webgpu"] as const)(
    "int8 products of dynamic activations, on %s",
    { timeout: SLOW },
    async (provider, { skip }) => {
      skip(provider === "webgpu" && gpu === undefined, NO_GPU);
      // For a CPU that saturates: the one that this test compares with may.
      const made = await quantized(models.dense, { weights: "int8", activations: "dynamic", reduceRange: true });
      const found = await inPage(made, "webgpu", provider);
      same(found, made, 0.02);
      const integer = [
        "MatMulIntegerToFloat",
        "DynamicQuantizeMatMul",
        "MatMulInteger",
        "ConvInteger",
        "DynamicQuantizeLSTM",
      ];
      const products = found.nodes.filter(([operator]) => integer.includes(operator));
      expect(products.length).toBeGreaterThan(5);
      expect(new Set(products.map(([, on]) => on))).toEqual(new Set(["CPUExecutionProvider"]));
      const others = found.nodes.map(([, on]) => on);
      expect(others.includes("WebGpuExecutionProvider")).toBe(provider === "webgpu");
    },
  );

  /** What runs of the float model. */
  const known = new Map<string, Ran["nodes"]>();
  async function ofFloat(from: keyof typeof models, build: Build, provider: Build): Promise<Ran["nodes"]> {
    const key = [from, build, provider].join();
    const nodes = known.get(key) ?? (await inPage(await computed(models[from]), build, provider)).nodes;
    expect(nodes.map(([operator]) => operator)).toContain("LSTM");
    known.set(key, nodes);
    return nodes;
  }

  async function inPage(made: Made, build: Build, provider: Build): Promise<Ran> {
    writeFileSync(join(folder, "model.onnx"), made.bytes);
    return page.evaluate(ask, [build, provider, plainFeeds] as const);
  }
});

interface Made {
  readonly bytes: Uint8Array;
  readonly notes: string;
  /** What onnxruntime-node computes of it. */
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

async function quantized(model: Model, stated: Options): Promise<Made> {
  const options = quantizeStep.options.parse({ minimum: 16, ...stated });
  const made = await quantizeStep.apply(model, options, stepContext([feeds], "webgpu"));
  return computed(made.model, made.notes.map(({ text }) => text).join("\n"));
}

async function computed(model: Model, notes = ""): Promise<Made> {
  const values = Object.entries(await run(model, feeds, services));
  const outputs = values.map(([name, { data }]) => [name, Array.from(data as Float32Array)]);
  return { bytes: await toBytes(model), outputs: Object.fromEntries(outputs), notes };
}

const plainFeeds = Object.entries(feeds).map(([name, { dtype, dims, data }]) => ({
  name,
  dtype,
  dims,
  data: Array.from(data as Float32Array, Number),
}));

type Ort = Pick<typeof import("onnxruntime-web"), "env" | "InferenceSession" | "Tensor">;

interface InPage {
  readonly builds: Readonly<Record<Build, Ort>>;
  /** Of the console: the runtime prints its profile there. */
  readonly lines: string[];
}

/** Runs in the page, before anything of the runtime is loaded. */
function prepare(): void {
  const lines: string[] = [];
  Object.assign(globalThis, { lines });
  console.log = (...line: unknown[]) => void lines.push(line.join(" "));
}

/** Runs in the page: the name of its WebGPU adapter. */
async function adapter(): Promise<string | undefined> {
  const { gpu } = (globalThis as unknown as { navigator: unknown }).navigator as {
    gpu?: { requestAdapter(): Promise<{ readonly info: { readonly architecture: string } } | null> };
  };
  return (await gpu?.requestAdapter().catch(() => null))?.info.architecture;
}

/** Runs in the page. */
async function ask([build, provider, given]: readonly [Build, Build, typeof plainFeeds]): Promise<Ran> {
  const { lines, builds } = globalThis as unknown as InPage;
  const ort = builds[build];
  ort.env.logLevel = "fatal";
  ort.env.wasm.numThreads = 1;
  lines.length = 0;
  const bytes = new Uint8Array(await (await fetch("/models/model.onnx")).arrayBuffer());
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: [provider],
    enableProfiling: true,
    logSeverityLevel: 4,
  });
  const tensors = given.map(({ name, dtype, dims, data }) => {
    const values =
      dtype === "int64"
        ? BigInt64Array.from(data, BigInt)
        : dtype === "bool"
          ? Uint8Array.from(data)
          : Float32Array.from(data);
    return [name, new ort.Tensor(dtype as "float32", values as Float32Array, dims)] as const;
  });
  const found = await session.run(Object.fromEntries(tensors));
  const outputs = Object.entries(found).map(([name, { data }]) => [name, Array.from(data as Float32Array)] as const);
  session.endProfiling();
  await session.release();
  const ran = lines.filter((line) => line.includes('"cat" : "Node"'));
  const fact = (line: string, name: string) => new RegExp(`"${name}" : "(\\w+)"`).exec(line)?.[1] ?? "";
  return {
    outputs: Object.fromEntries(outputs),
    nodes: ran.map((line) => [fact(line, "op_name"), fact(line, "provider")] as const),
  };
}

/** Within a share of the largest number of each output. */
function same(found: Ran, { outputs }: Made, most = 1e-4): void {
  expect(Object.keys(found.outputs).sort()).toEqual(Object.keys(outputs).sort());
  expect(
    Object.values(outputs)
      .flat()
      .some((x) => x !== 0),
  ).toBe(true);
  for (const [name, expected] of Object.entries(outputs)) {
    const values = found.outputs[name]!;
    expect(values).toHaveLength(expected.length);
    const largest = expected.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const apart = expected.reduce((most, x, at) => Math.max(most, Math.abs(x - values[at]!)), 0);
    expect(apart, name).toBeLessThanOrEqual(most * largest);
  }
}
