// A folder of pictures, one file a sample.

import { z } from "zod";
import { fileSetLabels, folderLabels, labelsOfFiles } from "../labels.js";
import { imageInput, imageOptions, imageRecipe } from "../picture.js";
import { defineReader, endsIn } from "../reader.js";

const EXTENSIONS = [".png", ".jpg", ".jpeg", ".webp", ".gif", ".avif", ".tif", ".tiff", ".bmp"];

export const images = defineReader({
  name: "images",
  summary: "PNG, JPEG, WebP and other pictures, one a sample; field: image.",
  options: z.object({
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .default(".")
      .describe("Folders, files or glob patterns"),
    image: imageOptions.default({}),
    labels: fileSetLabels.optional(),
  }),
  guess: (_path, names) =>
    names?.some((name) => endsIn(name, EXTENSIONS))
      ? names.filter((name) => endsIn(name, EXTENSIONS)).every((name) => name.includes("/"))
        ? { labels: folderLabels.parse({ from: "folder" }) }
        : {}
      : undefined,
  async open({ files: stated, image, labels: options }, place) {
    const files = await place.files(stated, EXTENSIONS);
    const labels = options && (await labelsOfFiles(options, files, place));
    const recipe = imageRecipe(image, imageInput(place.inputs));
    return {
      size: files.length,
      labelled: labels !== undefined,
      augments: "picture",
      remark: `pixels ${recipe.preset}`,
      async read(index, augment) {
        const file = files[index]!;
        const pixels = await place.decodeImage(await place.bytes(file.path));
        const fields = { image: recipe.prepare(pixels, augment) };
        const label = labels?.[index];
        return label === undefined ? { id: file.name, fields } : { id: file.name, fields, label };
      },
    };
  },
});
