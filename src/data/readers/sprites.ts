// Pictures of which each row of pixels is an image of its own: how small images are passed around for the browser.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import type { RawImage } from "../image.js";
import { labelsOfRows, rowSetLabels } from "../labels.js";
import { imageInput, imageOptions, imageRecipe } from "../picture.js";
import { defineReader } from "../reader.js";

/** Decoded pictures that are kept, in bytes together. */
const KEPT = 128 * 2 ** 20;

export const sprites = defineReader({
  name: "sprites",
  summary: "PNG pictures that hold one image a row, all its pixels side by side; field: image.",
  options: z.object({
    files: z.union([z.string(), z.array(z.string()).min(1)]).describe("Pictures, in the order of the labels"),
    rows: z.int().min(1).describe("Images in each file"),
    height: z.int().min(1).describe("Pixels, of one image"),
    width: z.int().min(1).describe("Pixels, of one image"),
    image: imageOptions.default({}),
    labels: rowSetLabels.optional(),
  }),
  guess: () => undefined,
  async open({ files: stated, rows, height, width, image, labels: options }, place) {
    const files = await place.files(stated, [".png"]);
    const size = files.length * rows;
    const labels = options && (await labelsOfRows(options, size, place));
    const recipe = imageRecipe(image, imageInput(place.inputs));
    // Promises: samples of one batch are asked for together, and each sheet is decoded once for all of them.
    const sheets = new Map<number, Promise<RawImage>>();
    const decode = async (index: number) => {
      const file = files[index]!;
      const picture = await place.decodeImage(await place.bytes(file.path));
      if (picture.width !== height * width || picture.height < rows) {
        throw invalid("data-sprite", `${file.name} does not hold ${rows} images of ${height} x ${width}, one a row.`, {
          expected: `${height * width} x ${rows} pixels`,
          found: `${picture.width} x ${picture.height}`,
        });
      }
      const [oldest] = sheets.keys();
      if (oldest !== index && oldest !== undefined && sheets.size * picture.data.byteLength > KEPT)
        sheets.delete(oldest);
      return picture;
    };
    const sheet = (index: number) => {
      const known = sheets.get(index) ?? decode(index);
      sheets.set(index, known);
      return known;
    };
    return {
      size,
      labelled: labels !== undefined,
      augments: "picture",
      remark: `pixels ${recipe.preset}`,
      async read(index, augment) {
        const { channels, data } = await sheet(Math.floor(index / rows));
        const bytes = height * width * channels;
        const at = (index % rows) * bytes;
        const image = { width, height, channels, data: data.subarray(at, at + bytes) };
        const fields = { image: recipe.prepare(image, augment) };
        const label = labels?.[index];
        return label === undefined ? { id: String(index), fields } : { id: String(index), fields, label };
      },
    };
  },
});
