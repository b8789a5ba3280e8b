// Datasets in a real browser: the same feeds as in Node, from pictures, sound, tables and archives.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import { build, type Rolldown } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WaveFile } from "wavefile/index.js";
import { type DatasetSpec, openDataset } from "../../src/data/index.js";
import type { DType } from "../../src/tensor/dtype.js";
import { chromium } from "../support/chromium.js";
import { inputsOnly } from "../support/inputs-only.js";
import { dataServices } from "../support/score.js";

const executablePath = chromium();
const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/data/${name}.json`, import.meta.url), "utf8"));

type Input = readonly [name: string, dtype: DType, shape: readonly (number | string)[]];
const picture: Input = ["x", "float32", ["b", 3, 12, 9]];
const pictures: readonly { name: string; file: string; tolerance: number }[] = fixture("decode");
const opaque = pictures.filter(({ name }) => !/alpha|rgba/.test(name));

const tone = new WaveFile();
tone.fromScratch(
  1,
  8000,
  "16",
  Int16Array.from({ length: 900 }, (_, i) => 9000 * Math.sin(i / 5)),
);
const text = (content: string) => Buffer.from(content).toString("base64");

/** What page/data.ts gives the page: stated here, since its own types are the browser's. */
interface PageData {
  feedsOf(
    files: Readonly<Record<string, string>>,
    spec: DatasetSpec,
    model: unknown,
  ): Promise<Record<string, number[]>[]>;
}

/** Files, what is read from them, and how far apart decoders may be (in steps of 1/255 of a pixel). */
type Case = readonly [string, Readonly<Record<string, string>>, DatasetSpec, readonly Input[], number];
const cases: readonly Case[] = [
  ...opaque.map(
    ({ name, file, tolerance }): Case => [
      `picture: ${name}`,
      { "one.img.png": file },
      { reader: "images", files: ".", image: { preset: "raw", fit: "squash", filter: "bicubic" } },
      [picture],
      tolerance,
    ],
  ),
  [
    "sound",
    { "a.wav": Buffer.from(tone.toBuffer()).toString("base64") },
    { reader: "audio" },
    [["x", "float32", ["b", 1700]]],
    1e-6,
  ],
  [
    "a table and a vocabulary",
    { "t.csv": text('text\n"a, b"\nb a c\n'), "v.txt": text("a\nb\n") },
    {
      reader: "text",
      files: "t.csv",
      text: "text",
      tokenizer: { type: "vocabulary", file: "v.txt", split: "\\w", unknown: 9 },
    },
    [["input_ids", "int64", ["b", "s"]]],
    0,
  ],
  [
    "an archive",
    { "a.npz": fixture("npz").packed },
    { reader: "numpy", files: "a.npz" },
    [
      ["x", "float32", ["b", 2, 3]],
      ["mask", "int64", ["b", 2]],
    ],
    0,
  ],
];

describe.skipIf(executablePath === undefined)("datasets in Chromium", () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const entry = fileURLToPath(new URL("page/data.ts", import.meta.url));
    const built = (await build({
      configFile: false,
      logLevel: "error",
      build: { write: false, target: "es2022", minify: false, lib: { entry, formats: ["iife"], name: "data" } },
    })) as Rolldown.RolldownOutput[];
    browser = await playwright.launch({ executablePath: executablePath!, args: ["--no-sandbox"] });
    page = await browser.newPage();
    await page.addScriptTag({ content: built[0]!.output[0].code });
  });
  afterAll(() => browser?.close());

  test.each(cases)("%s", async (_name, files, spec, inputs, tolerance) => {
    const model = inputsOnly(...inputs);
    const inPage = await page.evaluate(
      ([given, read, of]) => {
        const { feedsOf } = globalThis as unknown as PageData;
        return feedsOf(given, read, { ...of, graph: { ...of.graph, initializers: new Map() } });
      },
      [files, spec, model] as const,
    );
    const inNode = await node(files, spec, model);
    expect(inPage.length).toBe(inNode.length);
    inNode.forEach((feeds, i) => {
      for (const [name, values] of Object.entries(feeds)) {
        expect(inPage[i]![name]!.length).toBe(values.length);
        const apart = values.map((x, at) => Math.abs(x - inPage[i]![name]![at]!));
        expect(Math.max(...apart)).toBeLessThanOrEqual(tolerance);
      }
    });
  });

  async function node(
    files: Readonly<Record<string, string>>,
    spec: DatasetSpec,
    model: ReturnType<typeof inputsOnly>,
  ) {
    const folder = mkdtempSync(join(tmpdir(), "pare-page-"));
    try {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), Buffer.from(content, "base64"));
      }
      const feeds: Record<string, number[]>[] = [];
      for await (const sample of (await openDataset(spec, model, dataServices, folder)).samples()) {
        const values = Object.entries(sample.feeds).map(([name, { data }]) => [
          name,
          Array.from(data as ArrayLike<number>, Number),
        ]);
        feeds.push(Object.fromEntries(values));
      }
      return feeds;
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
});
