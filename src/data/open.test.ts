// Datasets as users have them: files in a folder, opened by path or by description.
// Long because it holds one case for each kind of file and each way to describe one.

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "fflate";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WaveFile } from "wavefile/index.js";
import { inputsOnly } from "../../tests/support/inputs-only.js";
import { dataServices } from "../../tests/support/score.js";
import type { Model } from "../ir/model.js";
import { numbers } from "./cast.js";
import type { Dataset, Sample } from "./dataset.js";
import { openDataset } from "./open.js";
import { readers } from "./readers/index.js";
import { COMMON_KEYS, type DatasetSpec } from "./spec.js";
import { tokenizers } from "./tokenizers/index.js";

const model = inputsOnly;
let folder: string;
const at = (name: string) => join(folder, name);
const fixture = async (name: string) =>
  JSON.parse(await readFile(new URL(`../../tests/fixtures/data/${name}.json`, import.meta.url), "utf8"));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pare-data-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const encoder = model(["input_ids", "int64", ["b", "s"]], ["attention_mask", "int64", ["b", "s"]]);
const open = (spec: string | DatasetSpec, of: Model) => openDataset(spec, of, dataServices);

async function all(dataset: Dataset): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of dataset.samples()) samples.push(sample);
  return samples.sort((a, b) => a.id.localeCompare(b.id, "en", { numeric: true }));
}
const values = (sample: Sample | undefined, input: string) => Array.from(numbers(sample!.feeds[input]!));

describe("arrays", () => {
  it.each(["stored", "packed"])("reads a %s .npz: arrays by name, labels aside", async (kind) => {
    await writeFile(at(`${kind}.npz`), bytes((await fixture("npz"))[kind]));
    const data = await open(at(`${kind}.npz`), model(["x", "float32", ["b", 2, 3]], ["mask", "int32", ["b", 2]]));
    expect(data).toMatchObject({ size: 4, labelled: true, synthetic: false });
    const samples = await all(data);
    expect(samples.map(({ label }) => label)).toEqual([1, 0, 2, 1]);
    expect(samples[3]!.feeds.x!.dims).toEqual([1, 2, 3]);
    expect(values(samples[3], "x")).toEqual([18, 19, 20, 21, 22, 23]);
    expect(samples[3]!.feeds.mask).toEqual({ dtype: "int32", dims: [1, 2], data: new Int32Array([6, 7]) });
  });

  it("takes an array with one dimension more as whole feeds", async () => {
    await writeFile(at("x.npz"), bytes((await fixture("npz")).stored));
    const data = await open(
      { reader: "numpy", files: at("x.npz"), inputs: { x: { from: "x" }, m: { from: "mask" } } },
      model(["x", "float32", [2, 3]], ["m", "int64", ["b", 2]]),
    );
    expect((await all(data))[0]!.feeds.x!.dims).toEqual([2, 3]);
  });

  it("reads raw numbers with zero, scale and a label file", async () => {
    await writeFile(at("a.bin"), new Int8Array([1, 2, 3, 4, 5, 6]));
    await writeFile(at("a.u8"), new Uint8Array([7, 8, 9]));
    const spec: DatasetSpec = {
      reader: "raw",
      files: at("a.bin"),
      dtype: "int8",
      shape: [2],
      zero: 1,
      scale: 0.5,
      labels: { from: "file", file: at("a.u8") },
    };
    const samples = await all(await open(spec, model(["x", "float32", ["b", 2]])));
    expect(samples.map((sample) => [values(sample, "x"), sample.label])).toEqual([
      [[0, 0.5], 7],
      [[1, 1.5], 8],
      [[2, 2.5], 9],
    ]);
    await expect(open({ ...spec, shape: [4] }, model(["x", "float32", ["b", 4]]))).rejects.toMatchObject({
      code: "data-length",
    });
  });

  it("reads IDX, gzip too", async () => {
    const idx = new Uint8Array([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 10, 20, 30, 40]);
    await writeFile(at("t-idx3-ubyte.gz"), gzipSync(idx));
    const samples = await all(await open(at("t-idx3-ubyte.gz"), model(["x", "float32", [1, 1, 1, 2]])));
    expect(samples.map((sample) => values(sample, "x"))).toEqual([
      [10, 20],
      [30, 40],
    ]);
    await writeFile(at("cut-idx3-ubyte"), idx.subarray(0, 19));
    await expect(open(at("cut-idx3-ubyte"), encoder)).rejects.toMatchObject({ code: "data-idx" });
  });
});

describe("pictures", () => {
  it("labels a folder by its folders, and takes labels from names and tables", async () => {
    const png = bytes((await fixture("decode"))[0].file);
    for (const name of ["dog/b.png", "cat/a.png", "cat/c.png"]) {
      await mkdir(at(`pets/${name.split("/")[0]}`), { recursive: true });
      await writeFile(at(`pets/${name}`), png);
    }
    const small = model(["image", "float32", ["b", 3, 8, 8]]);
    const labels = async (spec: string | DatasetSpec) =>
      (await all(await open(spec, small))).map(({ id, label }) => `${id}=${label}`);
    expect(await labels(at("pets"))).toEqual(["cat/a.png=0", "cat/c.png=0", "dog/b.png=1"]);
    const files = at("pets/**/*.png");
    expect(
      await labels({
        reader: "images",
        files,
        labels: { from: "name", pattern: "(.)\\.png", classes: ["c", "b", "a"] },
      }),
    ).toEqual(["cat/a.png=2", "cat/c.png=0", "dog/b.png=1"]);
    await writeFile(at("l.csv"), "file,what\na.png,4\nb,5\ncat/c.png,6\n");
    expect(
      await labels({
        reader: "images",
        files,
        labels: { from: "table", file: at("l.csv"), header: true, key: "file" },
      }),
    ).toEqual(["cat/a.png=4", "cat/c.png=6", "dog/b.png=5"]);
    expect((await open(at("pets"), small)).name).toContain("imagenet, guessed");
    await expect(
      open({ reader: "images", files, labels: { from: "name", pattern: "(.)\\.png", classes: ["a", "b"] } }, small),
    ).rejects.toMatchObject({ code: "data-label" });
  });
});

describe("text", () => {
  const vocabulary = { type: "vocabulary", file: "v.txt", lowercase: true, unknown: 1, prefix: [2], split: "[a-z]+" };
  const write = async (name: string, text: string) => {
    await writeFile(at("v.txt"), "[PAD]\n[UNK]\n[CLS]\na\ngood\nfilm\n");
    await writeFile(at(name), text);
  };
  const options = { tokenizer: { ...vocabulary }, reader: "text" as const };
  const rows = async (spec: DatasetSpec, of = encoder) =>
    (await all(await openDataset(spec, of, dataServices, folder))).map((one) => [values(one, "input_ids"), one.label]);

  it("reads .csv with a header, quotes and line breaks inside them", async () => {
    await write("t.csv", 'label,text\r\nyes,"A good\nfilm, ""a"""\r\nno,bad film\r\n');
    const labels = { from: "column", column: "label", classes: ["no", "yes"] };
    expect(await rows({ ...options, files: "t.csv", text: "text", labels })).toEqual([
      [[2, 3, 4, 5, 3], 1],
      [[2, 1, 5], 0],
    ]);
    await expect(rows({ ...options, files: "t.csv", text: "txt" })).rejects.toMatchObject({ code: "data-column" });
  });

  it("reads .tsv without quoting, .jsonl, and pads where the model's length is fixed", async () => {
    await write("t.tsv", '"good a\t1\nfilm\t0\n\n');
    await write("t.jsonl", '{"text": "good", "y": 0.5}\n{"text": "a film"}\n');
    expect(await rows({ ...options, files: "t.tsv", labels: { from: "column", column: -1 } })).toEqual([
      [[2, 4, 3], 1],
      [[2, 5], 0],
    ]);
    const fixed = model(["input_ids", "int32", [1, 4]], ["attention_mask", "int32", [1, 4]]);
    expect((await rows({ ...options, files: "t.jsonl", text: "text" }, fixed))[1]).toEqual([[2, 3, 5, 0], undefined]);
    const [first] = await all(
      await openDataset({ ...options, files: "t.jsonl", text: "text" }, fixed, dataServices, folder),
    );
    expect(values(first, "attention_mask")).toEqual([1, 1, 0, 0]);
    await expect(
      rows({ ...options, files: "t.jsonl", text: "text", labels: { from: "column", column: "y" } }),
    ).rejects.toMatchObject({ code: "data-column" });
  });

  it("uses the tokenizer.json beside the data, keeps what it closes with when it cuts", async () => {
    await mkdir(at("hf"), { recursive: true });
    await writeFile(at("hf/t.txt"), "good film\nfilm film film film\n");
    await writeFile(
      at("hf/tokenizer.json"),
      JSON.stringify({
        version: "1.0",
        added_tokens: [],
        normalizer: { type: "Lowercase" },
        pre_tokenizer: { type: "Whitespace" },
        post_processor: {
          type: "BertProcessing",
          sep: ["[SEP]", 3],
          cls: ["[CLS]", 2],
        },
        decoder: null,
        model: {
          type: "WordPiece",
          unk_token: "[UNK]",
          continuing_subword_prefix: "##",
          max_input_chars_per_word: 100,
          vocab: { "[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, good: 4, film: 5 },
        },
      }),
    );
    const samples = await all(
      await open({ reader: "text", files: at("hf/t.txt"), tokenizer: at("hf/tokenizer.json"), length: 4 }, encoder),
    );
    expect(samples.map((sample) => values(sample, "input_ids"))).toEqual([
      [2, 4, 5, 3],
      [2, 5, 5, 3],
    ]);
    expect(
      (await all(await open(at("hf/t.txt"), encoder))).map((sample) => values(sample, "input_ids").length),
    ).toEqual([4, 6]);
  });

  it("makes next tokens the labels of running text", async () => {
    await write("s.txt", "A good film.\n\nGood good.");
    const spec = { reader: "language", tokenizer: vocabulary, files: "s.txt", separator: "\\n\\n" };
    const samples = await all(await openDataset(spec, model(["input_ids", "int64", ["b", "s"]]), dataServices, folder));
    expect(samples.map((one) => [values(one, "input_ids"), Array.from(numbers(one.label as never))])).toEqual([
      [
        [2, 3, 4, 5],
        [3, 4, 5, -100],
      ],
      [
        [2, 4, 4],
        [4, 4, -100],
      ],
    ]);
  });
});

describe("sound", () => {
  it("resamples to the model's rate and cuts its window", async () => {
    await mkdir(at("wav"), { recursive: true });
    const tone = Int16Array.from({ length: 800 }, (_, i) => 16384 * Math.sin((2 * Math.PI * 440 * i) / 8000));
    const file = new WaveFile();
    file.fromScratch(1, 8000, "16", tone);
    await writeFile(at("wav/3_x.wav"), file.toBuffer());
    const spec: DatasetSpec = {
      reader: "audio",
      files: at("wav"),
      labels: { from: "name", pattern: "^(\\d)" },
      windows: 2,
    };
    const samples = await all(await open(spec, model(["input", "float32", ["b", 1000]])));
    expect(samples.map(({ id, label }) => [id, label])).toEqual([
      ["3_x.wav#0", 3],
      ["3_x.wav#1", 3],
    ]);
    const wanted = Array.from({ length: 1000 }, (_, i) => 0.5 * Math.sin((2 * Math.PI * 440 * i) / 16000));
    const errors = values(samples[0], "input").map((x, i) => Math.abs(x - wanted[i]!));
    expect(Math.max(...errors.slice(150))).toBeLessThan(0.002);
    expect(values(samples[1], "input")[399]).toBeCloseTo(values(samples[0], "input")[999]!, 6);
  });

  it("says when a file is no WAV", async () => {
    await mkdir(at("noise"), { recursive: true });
    await writeFile(at("noise/x.wav"), "no sound");
    await expect(open(at("noise"), model(["x", "float32", ["b", 10]]))).rejects.toMatchObject({ code: "data-wav" });
  });
});

describe("modules", () => {
  it("reads feeds and samples, and splits them", async () => {
    await writeFile(
      at("m.mjs"),
      `export const labelled = true;
       export default async function* ({ inputs }) {
         for (let i = 0; i < 20; i++) yield { feeds: { [inputs[0].name]: [i, i + 1] }, label: i, id: "row " + i };
       }`,
    );
    const data = await open(at("m.mjs"), model(["x", "float16", ["b", 2]]));
    expect(data).toMatchObject({ size: undefined, labelled: true });
    const samples = await all(data);
    expect(samples.length).toBe(20);
    expect(samples[3]).toMatchObject({ id: "row 3", label: 3 });
    expect(values(samples[3], "x")).toEqual([3, 4]);
    const parts = await Promise.all((["calibrate", "train", "measure"] as const).map((part) => all(data.split(part))));
    expect(new Set(parts.flat().map(({ id }) => id)).size).toBe(20);
    await writeFile(at("bad.mjs"), "export default 5;");
    await expect(open(at("bad.mjs"), encoder)).rejects.toMatchObject({ code: "data-module" });
  });
});

describe("descriptions", () => {
  it("stand in a dataset.json, whose paths are relative to it", async () => {
    await mkdir(at("set"), { recursive: true });
    await writeFile(at("set/a.bin"), new Float32Array(20));
    await writeFile(at("set/own.bin"), new Float32Array(6).fill(1));
    const spec = { reader: "raw", files: "a.bin", shape: [2], split: { train: { files: "./own.bin" } } };
    await writeFile(at("set/dataset.json"), JSON.stringify(spec));
    for (const path of [at("set"), at("set/dataset.json")]) {
      const data = await open(path, model(["x", "float32", ["b", 2]]));
      expect(data.size).toBe(10);
      expect([data.split("measure").size, data.split("train").size! + data.split("calibrate").size!]).toEqual([10, 3]);
      expect(values((await all(data.split("train")))[0], "x")).toEqual([1, 1]);
    }
  });

  const wrong: readonly [string, unknown, string, string | undefined][] = [
    ["an unknown reader", { reader: "image" }, "data-reader-unknown", 'Did you mean "images"?'],
    ["no reader", { files: "x" }, "option-invalid", undefined],
    ["an unknown key", { reader: "raw", files: "a", shape: [1], scal: 2 }, "option-unknown", 'Did you mean "scale"?'],
    ["an unknown inner key", { reader: "images", image: { siz: 3 } }, "option-unknown", 'Did you mean "size"?'],
    [
      "an unknown key of labels",
      { reader: "images", labels: { from: "table", file: "x", colum: 1 } },
      "option-unknown",
      'Did you mean "column"?',
    ],
    [
      "an unknown key of a part",
      { reader: "raw", files: "a", shape: [1], split: { train: { file: "b" } } },
      "option-unknown",
      'Did you mean "files"?',
    ],
    [
      "a pattern that is none",
      { reader: "images", labels: { from: "name", pattern: "(" } },
      "option-invalid",
      undefined,
    ],
    ["a wrong value", { reader: "raw", files: "a", shape: "2" }, "option-invalid", undefined],
    [
      "overlapping parts",
      { reader: "raw", files: "FILE", shape: [2], split: { train: 0.6, measure: 0.6 } },
      "data-split",
      undefined,
    ],
  ];
  it.each(wrong)("refuse %s", async (_name, spec, code, hint) => {
    await writeFile(at("a.bin"), new Float32Array(20));
    const filled = JSON.parse(JSON.stringify(spec).replace("FILE", at("a.bin")));
    const found = await open(filled, model(["x", "float32", ["b", 2]])).catch((error) => error);
    expect([found.code, found.hint]).toEqual([code, hint]);
  });

  it("name what a bare path could be", async () => {
    await writeFile(at("x.pt"), "?");
    await expect(open(at("x.pt"), encoder)).rejects.toMatchObject({ code: "data-unknown" });
  });
});

describe("readers and tokenizers", () => {
  it.each(readers.list)(
    "$name describes its options, and none stands in the way of a dataset's own",
    ({ options, summary }) => {
      expect(summary).toMatch(/\.$/);
      expect(Object.keys(options.shape).filter((key) => COMMON_KEYS.includes(key))).toEqual([]);
    },
  );
  it.each(tokenizers.list)("$name has its name as type", ({ name, options }) => {
    expect(options.shape.type!.safeParse(name).success).toBe(true);
  });
});
