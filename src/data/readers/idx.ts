// IDX files, as MNIST and its relatives come.

import { z } from "zod";
import { openIdx } from "../idx.js";
import { labelsOfRows, rowSetLabels } from "../labels.js";
import { imageInput, imageOptions, imageRecipe, pixels } from "../picture.js";
import { defineReader } from "../reader.js";

export const idx = defineReader({
  name: "idx",
  summary: "An IDX file (MNIST), .gz too; field: tensor, or image.",
  reference: "http://yann.lecun.com/exdb/mnist/",
  options: z.object({
    files: z.string().describe("One IDX file of samples"),
    image: imageOptions.optional().describe("Takes the numbers as pixels: uint8 of shape [height, width]"),
    labels: rowSetLabels.optional(),
  }),
  guess: (path, names) => (names === undefined && /idx\d|\.idx/.test(path) ? { files: path } : undefined),
  async open(options, place) {
    const file = await openIdx(options.files, place);
    const labels = options.labels && (await labelsOfRows(options.labels, file.size, place));
    const recipe = options.image && imageRecipe(options.image, imageInput(place.inputs));
    return {
      size: file.size,
      labelled: labels !== undefined,
      augments: recipe && "picture",
      async read(index, augment) {
        const tensor = await file.read(index, 1);
        const fields = recipe ? { image: recipe.prepare(pixels(tensor), augment) } : { tensor };
        const label = labels?.[index];
        return label === undefined ? { id: String(index), fields } : { id: String(index), fields, label };
      },
    };
  },
});
