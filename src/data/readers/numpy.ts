// .npz and .npy: arrays by name, samples along the first axis.

import { unzipSync } from "fflate";
import { z } from "zod";
import { bytesSource } from "../../base/bytes.js";
import { invalid } from "../../base/errors.js";
import { classNames, toLabel } from "../labels.js";
import { type NumpyArray, openNpy } from "../numpy.js";
import { defineReader, endsIn, type Place, type Row } from "../reader.js";

/** An archive is unpacked in memory: the bound on what it may unpack to. */
const UNPACKED = 4 * 2 ** 30;
const LABELS = ["label", "labels", "y", "target", "targets"];

export const numpy = defineReader({
  name: "numpy",
  summary: "A .npz (arrays by name) or .npy file, samples along the first axis; fields: the arrays.",
  reference: "https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html",
  options: z.object({
    files: z.string().describe("One .npz or .npy file"),
    labels: z
      .strictObject({
        array: z.string().describe("Array of the .npz, or a .npy file beside it"),
        classes: z.union([z.array(z.string()).min(1), z.string()]).optional(),
      })
      .optional()
      .describe(`Default: the array named ${LABELS.join(", ")}`),
  }),
  guess: (path, names) => (names === undefined && endsIn(path, [".npz", ".npy"]) ? { files: path } : undefined),
  async open({ files, labels: stated }, place) {
    const arrays = await openArrays(files, place);
    const labelName = stated?.array ?? LABELS.find((name) => arrays.has(name) && !isInput(name, place));
    const labels = labelName === undefined ? undefined : await labelArray(labelName, arrays, place);
    const classes = await classNames(stated?.classes, place);
    if (labelName !== undefined) arrays.delete(labelName);
    const all = [...arrays.values(), ...(labels ? [labels] : [])];
    const size = Math.min(...all.map(({ dims }) => dims[0] ?? 1));
    const uneven = all.find(({ dims }) => (dims[0] ?? 1) !== size);
    if (uneven || size === 0 || arrays.size === 0) {
      throw invalid("data-npz", `The arrays of ${files} do not have the same number of samples, at least 1.`, {
        expected: "equal first dimensions",
        found: all.map(({ name, dims }) => `${name} [${dims.join(", ")}]`).join(", ") || "no array",
      });
    }
    return {
      size,
      labelled: labels !== undefined,
      async read(index) {
        const fields: Record<string, Row["fields"][string]> = {};
        for (const [name, array] of arrays) fields[name] = await item(array, index, place);
        const id = String(index);
        if (!labels) return { id, fields };
        const label = await labels.read(index, 1);
        const plain = label.data.length === 1 && label.dims.every((dim) => dim === 1);
        return { id, fields, label: plain ? toLabel(label.data[0], classes, id) : label };
      },
    };
  },
});

const isInput = (name: string, place: Place) => place.inputs.some((input) => input.name === name);

/** A sample of an array: with one dimension more than its input, each item is a whole feed with its batch. */
async function item(array: NumpyArray, index: number, place: Place) {
  const value = await array.read(index, 1);
  const input = place.inputs.find(({ name }) => name === array.name) ?? place.inputs[0];
  const whole = input?.shape !== undefined && array.dims.length === input.shape.length + 1;
  return whole ? { ...value, dims: value.dims.slice(1) } : value;
}

async function labelArray(name: string, arrays: ReadonlyMap<string, NumpyArray>, place: Place): Promise<NumpyArray> {
  const array = arrays.get(name);
  if (array) return array;
  if (endsIn(name, [".npy"])) return openNpy(await place.source(name), name);
  throw invalid("data-label", `There is no array "${name}" for the labels.`, {
    expected: [...arrays.keys()].join(", "),
  });
}

async function openArrays(file: string, place: Place): Promise<Map<string, NumpyArray>> {
  if (endsIn(file, [".npy"])) {
    const name = place.inputs.length === 1 ? place.inputs[0]!.name : "tensor";
    return new Map([[name, await openNpy(await place.source(file), name)]]);
  }
  let total = 0;
  let entries: Record<string, Uint8Array>;
  try {
    entries = unzipSync(await place.bytes(file, UNPACKED), {
      filter: ({ name, originalSize }) => {
        if (!endsIn(name, [".npy"])) return false;
        total += originalSize;
        if (total > UNPACKED) throw new Error(`it unpacks to more than ${UNPACKED} bytes`);
        return true;
      },
    });
  } catch (cause) {
    throw invalid("data-npz", `${file} is not a usable .npz archive: ${(cause as Error).message}.`, { cause });
  }
  const arrays = new Map<string, NumpyArray>();
  for (const [path, bytes] of Object.entries(entries)) {
    const name = path.replace(/\.npy$/i, "");
    arrays.set(name, await openNpy(bytesSource(bytes, `${file}/${path}`), name));
  }
  return arrays;
}
