// Augmentations by what each promises, and as users meet them: in a dataset, by place, seed and epoch.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inputsOnly as model } from "../../../tests/support/inputs-only.js";
import { dataServices } from "../../../tests/support/score.js";
import { random } from "../../tensor/random.js";
import { numbers } from "../cast.js";
import type { Dataset, Sample } from "../dataset.js";
import type { RawImage } from "../image.js";
import { openDataset } from "../open.js";
import type { DatasetSpec } from "../spec.js";
import type { Changeable, Kind } from "./augmentation.js";
import { augmentations } from "./index.js";

const apply = <K extends Kind>(name: string, given: Changeable[K], options: object, seed: number): Changeable[K] => {
  const augmentation = augmentations.get(name);
  return augmentation.apply(given, augmentation.options.parse(options), random(seed)) as Changeable[K];
};
const ramp = (width: number, height: number, channels: 1 | 3): RawImage => ({
  width,
  height,
  channels,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => 1 + ((i * 37) % 255)),
});
const pixel = ({ width, height, channels, data }: RawImage, y: number, x: number) =>
  y < 0 || x < 0 || y >= height || x >= width
    ? Array<number>(channels).fill(0)
    : [...data.subarray((y * width + x) * channels, (y * width + x + 1) * channels)];

describe("pictures", () => {
  it("crop is a window over the picture with a black border, and every place of it occurs", () => {
    const image = ramp(5, 4, 3);
    const seen = new Set<string>();
    for (let seed = 0; seed < 200; seed++) {
      const out = apply<"picture">("crop", image, { padding: 1 }, seed);
      const offsets = [-1, 0, 1].flatMap((top) => [-1, 0, 1].map((left) => [top, left] as const));
      const at = offsets.find(([top, left]) =>
        Array.from({ length: 20 }, (_, i) => [Math.floor(i / 5), i % 5] as const).every(
          ([y, x]) => String(pixel(out, y, x)) === String(pixel(image, y + top, x + left)),
        ),
      );
      expect(at).toBeDefined();
      seen.add(String(at));
    }
    expect(seen.size).toBe(9);
  });

  it("flip exchanges left and right, always or never or in half of the draws", () => {
    const image = ramp(5, 3, 3);
    const flipped = apply<"picture">("flip", image, { probability: 1 }, 3);
    expect(pixel(flipped, 1, 0)).toEqual(pixel(image, 1, 4));
    expect(apply<"picture">("flip", flipped, { probability: 1 }, 4)).toEqual(image);
    expect(apply<"picture">("flip", image, { probability: 0 }, 3)).toBe(image);
    const flips = Array.from({ length: 400 }, (_, seed) => apply<"picture">("flip", image, {}, seed) !== image);
    expect(flips.filter(Boolean).length).toBeGreaterThan(160);
    expect(flips.filter(Boolean).length).toBeLessThan(240);
  });

  it("colour stays within its strengths, and of strength 0 changes nothing", () => {
    const none = { brightness: 0, contrast: 0, saturation: 0 };
    fc.assert(
      fc.property(fc.nat(10_000), fc.constantFrom(1 as const, 3 as const), (seed, channels) => {
        const image = ramp(6, 6, channels);
        expect(apply<"picture">("colour", image, none, seed)).toEqual(image);
        const bright = apply<"picture">("colour", image, { ...none, brightness: 0.5 }, seed);
        const factors = [...bright.data].flatMap((value, i) =>
          value < 255 && image.data[i]! > 50 ? [value / image.data[i]!] : [],
        );
        expect(Math.min(...factors)).toBeGreaterThan(0.48);
        expect(Math.max(...factors) - Math.min(...factors)).toBeLessThan(0.03);
        const [r, g, b] = pixel(apply<"picture">("colour", ramp(1, 1, 3), { ...none, saturation: 1 }, seed), 0, 0);
        // Grey is kept by a change of saturation, up to the rounding of three bytes.
        if (![r, g, b].includes(0) && ![r, g, b].includes(255)) {
          const grey = (c: readonly number[]) => 0.299 * c[0]! + 0.587 * c[1]! + 0.114 * c[2]!;
          expect(Math.abs(grey([r!, g!, b!]) - grey(pixel(ramp(1, 1, 3), 0, 0)))).toBeLessThan(1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("sounds and texts", () => {
  it("shift moves by at most what is said, with silence behind", () => {
    const samples = Float32Array.from({ length: 50 }, (_, i) => i + 1);
    for (let seed = 0; seed < 60; seed++) {
      const moved = apply<"sound">("shift", { samples, rate: 100 }, { seconds: 0.07 }, seed).samples;
      const by = moved[25]! === 0 ? Number.NaN : 26 - moved[25]!;
      expect(Math.abs(by)).toBeLessThanOrEqual(7);
      expect([...moved]).toEqual(Array.from({ length: 50 }, (_, i) => samples[i - by] ?? 0));
    }
  });

  it("noise is at most of its level, and clipped to full scale", () => {
    const samples = new Float32Array(2000).fill(0.999);
    const noisy = apply<"sound">("noise", { samples, rate: 16000 }, { level: 0.1 }, 5).samples;
    expect(Math.max(...noisy)).toBeLessThanOrEqual(1);
    const silent = apply<"sound">("noise", { samples: new Float32Array(2000), rate: 16000 }, { level: 0.1 }, 5).samples;
    const deviation = Math.sqrt(silent.reduce((sum, x) => sum + x * x, 0) / 2000);
    expect(deviation).toBeGreaterThan(0);
    expect(deviation).toBeLessThan(0.11);
  });

  it("token dropout leaves the form of the text, and never empties it", () => {
    const ids = [2, 10, 11, 12, 3];
    const given = { ids, types: [0, 0, 1, 1, 1], unknown: 1, special: (id: number) => id < 4 };
    expect(apply<"tokens">("token-dropout", given, { rate: 1 }, 0).ids).toEqual([2, 1, 1, 1, 3]);
    const dropped = apply<"tokens">("token-dropout", given, { rate: 1, mode: "drop" }, 0);
    expect([dropped.ids, dropped.types]).toEqual([
      [2, 12, 3],
      [0, 1, 1],
    ]);
    expect(apply<"tokens">("token-dropout", given, { rate: 0 }, 0).ids).toEqual(ids);
    expect(() => apply<"tokens">("token-dropout", { ...given, unknown: undefined }, {}, 0)).toThrow(/unknown token/);
  });
});

describe("in a dataset", () => {
  let folder: string;
  let spec: DatasetSpec;
  const at = (name: string) => join(folder, name);
  const image = model(["image", "float32", ["b", 3, 8, 8]]);
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pare-augment-"));
    await writeFile(
      at("a.bin"),
      Uint8Array.from({ length: 40 * 192 }, (_, i) => (i * 31) % 251),
    );
    await writeFile(
      at("a.u8"),
      Uint8Array.from({ length: 40 }, (_, i) => i % 4),
    );
    spec = {
      reader: "raw",
      files: at("a.bin"),
      dtype: "uint8",
      shape: [8, 8, 3],
      image: { preset: "raw" },
      labels: { from: "file", file: at("a.u8") },
      augment: "crop=2,flip",
      split: { calibrate: 0.25, train: 0.5, measure: 0.25 },
    };
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const all = async (dataset: Dataset) => {
    const found: Sample[] = [];
    for await (const sample of dataset.samples()) found.push(sample);
    return found;
  };
  const values = (sample: Sample) => String(Array.from(numbers(sample.feeds.image!)));

  it("gives samples by place, in the order of samples()", async () => {
    const train = (await openDataset(spec, image, dataServices)).split("train");
    const expected = await all(train);
    expect(train.size).toBe(20);
    const found = await Promise.all(expected.map((_, index) => train.sample!(index)));
    expect(found).toEqual(expected);
    await expect(train.sample!(20)).rejects.toMatchObject({ kind: "internal" });
  });

  it("draws by seed, epoch and place only, and only for training", async () => {
    const data = await openDataset(spec, image, dataServices);
    const train = data.split("train");
    const draw = async (index: number, seed: number, epoch: number) =>
      values(await (await openDataset(spec, image, dataServices)).split("train").sample!(index, { seed, epoch }));
    const here: string[] = [];
    for (let index = 19; index >= 0; index--) here.unshift(values(await train.sample!(index, { seed: 1, epoch: 3 })));
    for (const index of [0, 7, 19]) expect(await draw(index, 1, 3)).toBe(here[index]);
    const plain = await Promise.all(here.map((_, index) => train.sample!(index).then(values)));
    const unlike = (others: readonly string[]) => here.filter((one, i) => one !== others[i]).length;
    expect(unlike(plain)).toBeGreaterThan(15);
    expect(unlike(await Promise.all(here.map((_, index) => draw(index, 1, 4))))).toBeGreaterThan(10);
    expect(unlike(await Promise.all(here.map((_, index) => draw(index, 2, 3))))).toBeGreaterThan(10);
    const held = data.split("calibrate");
    expect(values(await held.sample!(0, { seed: 1, epoch: 3 }))).toBe(values(await held.sample!(0)));
  });

  it("is replaced by other augmentations, or none", async () => {
    const train = (await openDataset(spec, image, dataServices)).split("train");
    const none = train.augmented!("none");
    expect(values(await none.sample!(3, { seed: 1, epoch: 0 }))).toBe(values(await train.sample!(3)));
    const flipped = train.augmented!([{ name: "flip", probability: 1 }]);
    expect(values(await flipped.sample!(3, { seed: 1, epoch: 0 }))).not.toBe(values(await train.sample!(3)));
  });

  it("refuses what does not fit or is misspelt, before anything is trained", async () => {
    const refused = (augment: DatasetSpec["augment"], more: object = {}) =>
      openDataset({ ...spec, ...more, augment: augment! }, image, dataServices);
    await expect(refused("shift=0.1")).rejects.toMatchObject({ code: "augment-unfit", expected: "crop, flip, colour" });
    await expect(refused("crop", { image: undefined, shape: [3, 8, 8] })).rejects.toMatchObject({
      code: "augment-unfit",
    });
    await expect(refused("flop")).rejects.toMatchObject({ code: "augmentation-unknown", hint: 'Did you mean "flip"?' });
    await expect(refused("crop=x")).rejects.toMatchObject({ code: "option-invalid" });
    await expect(refused([{ name: "crop", pading: 3 }])).rejects.toMatchObject({ code: "option-unknown" });
    const data = await openDataset(spec, image, dataServices);
    expect(() => data.split("train").augmented!("noise")).toThrow(/does not fit/);
  });

  it("drops tokens of texts, whose labels for prediction stay the words that were there", async () => {
    await writeFile(at("vocab.txt"), "[PAD]\n[UNK]\na\nb\nc\nd\n");
    await writeFile(at("text.txt"), "a b c d");
    const text: DatasetSpec = {
      reader: "language",
      files: at("text.txt"),
      tokenizer: { type: "vocabulary", file: at("vocab.txt"), unknown: 1 },
      length: 6,
      pad: true,
      split: { train: 1 },
    };
    const decoder = model(["input_ids", "int64", ["b", "s"]]);
    const train = async (augment: DatasetSpec["augment"]) => {
      const data = (await openDataset({ ...text, augment: augment! }, decoder, dataServices)).split("train");
      const { feeds, label } = await data.sample!(0, { seed: 0, epoch: 0 });
      return [feeds.input_ids!, label as Sample["feeds"][string]].map((value) => Array.from(numbers(value)));
    };
    expect(await train([])).toEqual([
      [2, 3, 4, 5, 0, 0],
      [3, 4, 5, -100, -100, -100],
    ]);
    expect(await train([{ name: "token-dropout", rate: 1 }])).toEqual([
      [1, 1, 1, 1, 0, 0],
      [3, 4, 5, -100, -100, -100],
    ]);
    expect(await train([{ name: "token-dropout", rate: 1, mode: "drop" }])).toEqual([
      [5, 0, 0, 0, 0, 0],
      [-100, -100, -100, -100, -100, -100],
    ]);
  });
});
