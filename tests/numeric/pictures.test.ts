// Resizing, cropping and decoding against what Pillow says (tools/fixtures/data.py).

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { RawImage } from "../../src/data/image.js";
import { imageRecipe, withChannels } from "../../src/data/picture.js";
import { type Filter, resize } from "../../src/data/resize.js";
import { decodeImage } from "../../src/platform/node/image.js";

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../fixtures/data/${name}.json`, import.meta.url), "utf8"));
const bytes = (text: string) => new Uint8Array(Buffer.from(text, "base64"));
const largest = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, x, i) => Math.max(most, Math.abs(x - b[i]!)), 0);

interface Resized {
  readonly filter: Filter;
  readonly width: number;
  readonly height: number;
  readonly data: string;
}
const fixture = read("resize");
const image: RawImage = { width: fixture.width, height: fixture.height, channels: 3, data: bytes(fixture.data) };

describe("resize is Pillow's", () => {
  for (const { filter, width, height, data } of fixture.cases as Resized[]) {
    it(`${filter} to ${width} x ${height}, to the bit`, () => {
      const made = resize(image, width, height, filter);
      expect([made.width, made.height, made.data.length]).toEqual([width, height, width * height * 3]);
      expect(largest(made.data, bytes(data))).toBe(0);
    });
  }

  it("makes grey as Pillow does", () => {
    expect(largest(withChannels(image, 1).data, bytes(fixture.grey))).toBe(0);
  });

  it("crops and normalises as torchvision does", () => {
    const input = { name: "x", dtype: "float32", shape: ["batch", 3, 13, 14] } as const;
    const { prepare } = imageRecipe({ preset: "imagenet", shortest: 16 }, input);
    const wanted = new Float32Array(bytes(fixture.imagenet).buffer);
    const made = prepare(image);
    expect(made.dims).toEqual([1, 3, 13, 14]);
    expect(largest(made.data as Float32Array, wanted)).toBeLessThan(1e-6);
  });

  it("lays pixels out as the model wants them", () => {
    const input = { name: "x", dtype: "float32", shape: [1, 23, 19, 3] } as const;
    const made = imageRecipe({ preset: "raw", order: "bgr" }, input).prepare(image);
    expect(made.dims).toEqual([1, 23, 19, 3]);
    expect(Array.from(made.data as Float32Array).slice(0, 3)).toEqual([image.data[2], image.data[1], image.data[0]]);
  });

  it("pads to the shape with black", () => {
    const made = imageRecipe({ preset: "raw", fit: "pad", size: 10 }, undefined).prepare({
      width: 20,
      height: 10,
      channels: 1,
      data: new Uint8Array(200).fill(9),
    });
    const rows = Array.from({ length: 10 }, (_, y) => (made.data as Float32Array)[y * 10]);
    expect(rows).toEqual([0, 0, 9, 9, 9, 9, 9, 0, 0, 0]);
  });
});

describe("sharp only decodes", () => {
  for (const { name, file, width, height, rgb, tolerance } of read("decode")) {
    it(name, async () => {
      const decoded = await decodeImage(bytes(file));
      expect([decoded.width, decoded.height]).toEqual([width, height]);
      expect(largest(withChannels(decoded, 3).data, bytes(rgb))).toBeLessThanOrEqual(tolerance);
    });
  }

  it("says when it cannot", async () => {
    await expect(decodeImage(new Uint8Array(50))).rejects.toMatchObject({ code: "image-undecodable" });
  });
});
