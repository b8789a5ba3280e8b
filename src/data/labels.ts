// Labels of rows: from the folder a file stands in, its name, a table beside it, a file of numbers, or a column.

import { z } from "zod";
import { invalid } from "../base/errors.js";
import { suggest } from "../base/registry.js";
import { numbers } from "./cast.js";
import { ELEMENTS, elements } from "./elements.js";
import { openIdx } from "./idx.js";
import { pattern } from "./pattern.js";
import type { DataFile, Place } from "./reader.js";
import { cell, openTable } from "./table.js";

const classes = z
  .union([z.array(z.string()).min(1), z.string()])
  .optional()
  .describe("Names in the order of the model's output, or a text file with one a line");
const column = z.union([z.string(), z.int()]);

export const folderLabels = z
  .strictObject({ from: z.literal("folder"), classes })
  .describe("The first folder of the file's name; without classes: sorted by name");
export const nameLabels = z
  .strictObject({
    from: z.literal("name"),
    pattern: pattern().describe("Regular expression over the file name; its first group is the label"),
    classes,
  })
  .describe("A part of the file's name");
export const tableLabels = z
  .strictObject({
    from: z.literal("table"),
    file: z.string(),
    header: z.boolean().default(false),
    key: column
      .optional()
      .describe("Column of file names. Default: the first; rows in the order of the data where it has no file names"),
    column: column.default(-1).describe("Column of labels; -1 is the last"),
    classes,
  })
  .describe("A .csv or .tsv beside the data");
export const fileLabels = z
  .strictObject({
    from: z.literal("file"),
    file: z.string().describe("Bare numbers, one a sample; an IDX file is recognised"),
    dtype: z.enum(ELEMENTS).default("uint8"),
  })
  .describe("A binary file of numbers");
export const columnLabels = z
  .strictObject({ from: z.literal("column"), column, classes })
  .describe("A column of the same table");

export const fileSetLabels = z
  .discriminatedUnion("from", [folderLabels, nameLabels, tableLabels])
  .describe("Where the label of each file stands; default: there is none");
export const rowSetLabels = z
  .discriminatedUnion("from", [tableLabels, fileLabels])
  .describe("Where the label of each sample stands; default: there is none");

type FileSetLabels = z.output<typeof fileSetLabels>;
type RowSetLabels = z.output<typeof rowSetLabels>;

/** The label of each file of a dataset of files. */
export async function labelsOfFiles(
  options: FileSetLabels,
  files: readonly DataFile[],
  place: Place,
): Promise<readonly number[]> {
  const stated = await classNames(options.classes, place);
  if (options.from === "table") {
    const { file, header, key = 0 } = options;
    const table = await openTable([{ path: place.resolve(file), name: file }], { header }, place);
    const known = new Map<string, unknown>();
    for (let i = 0; i < table.size; i++) {
      const { cells, id } = await table.read(i);
      known.set(String(cell(cells, key, id)), cell(cells, options.column, id));
    }
    return files.map(({ name }) => {
      const label = known.get(name) ?? known.get(base(name)) ?? known.get(base(name).replace(/\.[^.]+$/, ""));
      if (label === undefined) throw invalid("data-label", `${file} has no row for ${name}.`, { node: name });
      return toLabel(label, stated, name);
    });
  }
  const texts = files.map(({ name }) => (options.from === "folder" ? folder(name) : matched(name, options.pattern)));
  const numeric = options.from === "name" && texts.every((text) => text !== "" && Number.isFinite(Number(text)));
  const names = stated ?? (numeric ? undefined : [...new Set(texts)].sort());
  return texts.map((text, i) => toLabel(text, names, files[i]!.name));
}

/** The label of each row of a dataset whose rows have no names. */
export async function labelsOfRows(options: RowSetLabels, size: number, place: Place): Promise<readonly number[]> {
  const found = options.from === "file" ? await fromFile(options, place) : await fromTable(options, place);
  if (found.length >= size) return found;
  throw invalid("data-label", `${options.file} has fewer labels than the data has samples.`, {
    expected: `${size}`,
    found: `${found.length}`,
  });
}

/** A label as the dataset states it: the number itself, or its place among the class names. */
export function toLabel(label: unknown, names: readonly string[] | undefined, id: string): number {
  const text = String(label).trim();
  if (names) {
    const index = names.indexOf(text);
    if (index >= 0) return index;
    throw invalid("data-label", `"${text}" is not among the classes.`, {
      node: id,
      expected: names.length <= 20 ? names.join(", ") : `${names.length} names, ${names[0]} to ${names.at(-1)}`,
      hint: suggest(text, names),
    });
  }
  const number = text === "" ? Number.NaN : Number(text);
  if (Number.isFinite(number)) return number;
  if (typeof label === "boolean") return label ? 1 : 0;
  throw invalid("data-label", `The label "${text}" is not a number.`, {
    node: id,
    hint: 'State the classes in the order of the model\'s output: "classes": ["no", "yes"].',
  });
}

/** Class names from a list or a file with one a line. */
export async function classNames(stated: string | readonly string[] | undefined, place: Place) {
  if (typeof stated !== "string") return stated;
  return (await place.text(stated))
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

const base = (name: string) => name.split("/").at(-1) ?? name;
const folder = (name: string) => {
  const at = name.indexOf("/");
  if (at > 0) return name.slice(0, at);
  throw invalid("data-label", `${name} stands in no folder that could be its label.`, { node: name });
};

function matched(name: string, pattern: string): string {
  const label = new RegExp(pattern, "u").exec(base(name))?.[1];
  if (label !== undefined) return label;
  throw invalid("data-label", `The pattern finds no label in ${name}.`, { node: name, expected: pattern });
}

async function fromFile({ file, dtype }: z.output<typeof fileLabels>, place: Place): Promise<number[]> {
  if (/idx\d|\.idx/.test(file)) {
    const idx = await openIdx(file, place);
    return Array.from(numbers(await idx.read(0, idx.size)));
  }
  const bytes = await place.bytes(file);
  return Array.from(numbers(elements(bytes, dtype, "little")));
}

async function fromTable(options: z.output<typeof tableLabels>, place: Place): Promise<number[]> {
  const names = await classNames(options.classes, place);
  const files = [{ path: place.resolve(options.file), name: options.file }];
  const table = await openTable(files, { header: options.header }, place);
  const labels: number[] = [];
  for (let i = 0; i < table.size; i++) {
    const { cells, id } = await table.read(i);
    labels.push(toLabel(cell(cells, options.column, id), names, id));
  }
  return labels;
}
