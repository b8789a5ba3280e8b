// Folders of .wav files: one channel, the rate the model wants, windows as long as the model's input.

import { z } from "zod";
import { fileSetLabels, labelsOfFiles } from "../labels.js";
import { defineReader, endsIn } from "../reader.js";
import { resample } from "../resample.js";
import { decodeWav } from "../wav.js";

export const audio = defineReader({
  name: "audio",
  summary: ".wav files, resampled and cut into windows; field: audio, numbers from -1 to 1.",
  options: z.object({
    files: z
      .union([z.string(), z.array(z.string()).min(1)])
      .default(".")
      .describe("Folders, glob patterns or .wav files"),
    rate: z
      .int()
      .min(1)
      .default(16000)
      .describe("Samples a second that the model wants; others are resampled by a windowed sinc"),
    length: z
      .int()
      .min(1)
      .optional()
      .describe("Samples of a window. Default: as the model states, else the whole file"),
    windows: z
      .int()
      .min(1)
      .default(1)
      .describe("Windows of each file, evenly spaced; short files are filled with silence"),
    labels: fileSetLabels.optional(),
  }),
  guess: (_path, names) => (names?.some((name) => endsIn(name, [".wav"])) ? {} : undefined),
  async open(options, place) {
    const files = await place.files(options.files, [".wav"]);
    const labels = options.labels && (await labelsOfFiles(options.labels, files, place));
    const stated = place.inputs.find(({ shape }) => shape && shape.length >= 1)?.shape?.at(-1);
    const length = options.length ?? (typeof stated === "number" ? stated : undefined);
    let last: { path: string; samples: Float32Array } | undefined;
    return {
      size: files.length * options.windows,
      labelled: labels !== undefined,
      augments: "sound",
      async read(index, augment) {
        const at = Math.floor(index / options.windows);
        const window = index % options.windows;
        const { path, name } = files[at]!;
        if (last?.path !== path) {
          const { samples, rate } = await decodeWav(await place.bytes(path), name);
          last = { path, samples: resample(samples, rate, options.rate) };
        }
        const samples = cut(last.samples, length ?? last.samples.length, window, options.windows);
        const data = augment ? augment("sound", { samples, rate: options.rate }).samples : samples;
        const id = options.windows === 1 ? name : `${name}#${window}`;
        const fields = { audio: { dtype: "float32", dims: [1, data.length], data } as const };
        const label = labels?.[at];
        return label === undefined ? { id, fields } : { id, fields, label };
      },
    };
  },
});

/** The window of `length` samples that is `index` of `count`, from the start of the file to its end. */
function cut(samples: Float32Array, length: number, index: number, count: number): Float32Array {
  const room = Math.max(samples.length - length, 0);
  const begin = count === 1 ? 0 : Math.round((room * index) / (count - 1));
  const out = new Float32Array(length);
  out.set(samples.subarray(begin, begin + length));
  return out;
}
