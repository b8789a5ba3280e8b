// Bare numbers in files: all samples of one shape, one after another.

import { z } from "zod";
import { invalid } from "../../base/errors.js";
import { makeValue, numbers } from "../cast.js";
import { ELEMENTS, elementBytes, elements } from "../elements.js";
import { labelsOfRows, rowSetLabels } from "../labels.js";
import { imageInput, imageOptions, imageRecipe, pixels } from "../picture.js";
import { defineReader } from "../reader.js";

export const raw = defineReader({
  name: "raw",
  summary: "Binary files of numbers without a header; field: tensor, or image.",
  options: z.object({
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .describe("Files of numbers, or folders and glob patterns of them"),
    dtype: z.enum(ELEMENTS).default("float32").describe("Type of the numbers"),
    endian: z.enum(["little", "big"]).default("little").describe("Order of the bytes of a number"),
    shape: z.array(z.int().min(1)).describe("Of one sample, without the batch"),
    skip: z.int().min(0).default(0).describe("Bytes at the start of each file"),
    zero: z.number().default(0).describe("Subtracted from each number"),
    scale: z.number().default(1).describe("Multiplies it then"),
    image: imageOptions.optional().describe("Takes the numbers as pixels: uint8 of shape [height, width, 1 or 3]"),
    labels: rowSetLabels.optional(),
  }),
  guess: () => undefined,
  async open(options, place) {
    const { dtype, shape, skip } = options;
    const files = await place.files(options.files, [".bin", ".raw", ".dat"]);
    const count = shape.reduce((product, dim) => product * dim, 1);
    const item = count * elementBytes(dtype);
    const starts: number[] = [];
    let size = 0;
    for (const file of files) {
      const bytes = (await place.source(file.path)).size - skip;
      if (bytes < 0 || bytes % item !== 0) {
        throw invalid("data-length", `${file.name} does not hold whole samples.`, {
          expected: `${skip} + n x ${item} bytes (${dtype}[${shape.join(", ")}])`,
          found: `${bytes + skip} bytes`,
        });
      }
      starts.push(size);
      size += bytes / item;
    }
    const labels = options.labels && (await labelsOfRows(options.labels, size, place));
    const recipe = options.image && imageRecipe(options.image, imageInput(place.inputs));
    const plain = options.zero === 0 && options.scale === 1;
    return {
      size,
      labelled: labels !== undefined,
      augments: recipe && "picture",
      async read(index, augment) {
        const file = starts.findLastIndex((start) => start <= index);
        const source = await place.source(files[file]!.path);
        const bytes = await source.read(skip + (index - starts[file]!) * item, item);
        const value = elements(bytes, dtype, options.endian, [1, ...shape]);
        const scaled = () =>
          makeValue(
            "float32",
            value.dims,
            Float64Array.from(numbers(value), (x) => (x - options.zero) * options.scale),
          );
        const tensor = plain ? value : scaled();
        const fields = recipe ? { image: recipe.prepare(pixels(value), augment) } : { tensor };
        const label = labels?.[index];
        return label === undefined ? { id: String(index), fields } : { id: String(index), fields, label };
      },
    };
  },
});
