// What a reader of data is: it finds the rows of a dataset and turns each into named fields. Which model input takes
// which field is decided once for all readers, in `inputs.ts`; order, splits and limits in `rows.ts`.

import type { z } from "zod";
import type { ByteSource } from "../base/bytes.js";
import type { Method } from "../base/registry.js";
import type { DType } from "../tensor/dtype.js";
import type { Value } from "../tensor/value.js";
import type { Kind } from "./augment/augmentation.js";
import type { Augment } from "./augment/index.js";
import type { Sample } from "./dataset.js";
import type { RawImage } from "./image.js";

/** What a model wants to be fed: an input of the graph that no initializer fills. A dimension that is not a number is free. */
export interface ModelInput {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | null)[] | undefined;
}

/** One sample before it is fed: fields by name, the batch dimension (1) included. */
export interface Row {
  readonly id: string;
  readonly fields: Readonly<Record<string, Value>>;
  readonly label?: Exclude<Sample["label"], undefined>;
}

interface RowsBase {
  readonly labelled: boolean;
  /** What the labels are for, when the reader knows. */
  readonly metric?: string | undefined;
  /** Added to the dataset's name: what was guessed. */
  readonly remark?: string | undefined;
  /** What augmentations may change here; undefined: the rows are finished numbers. */
  readonly augments?: Kind | undefined;
  /** Which input names a field is meant for, when the names differ: `{ tokens: /input_ids/ }`. */
  readonly aliases?: Readonly<Record<string, RegExp>>;
}

/** Rows that can be read in any order: what all readers of files give. */
export interface IndexedRows extends RowsBase {
  readonly size: number;
  read(index: number, augment?: Augment): Promise<Row>;
}

/** Rows that come one after another, anew at each call. */
export interface StreamedRows extends RowsBase {
  readonly size?: undefined;
  stream(): AsyncIterable<Row>;
}

export type Rows = IndexedRows | StreamedRows;

/** A file of a dataset: where it is, and its name below the folder or pattern that found it. */
export interface DataFile {
  readonly path: string;
  readonly name: string;
}

/** What a reader sees of the world. Relative paths are relative to the dataset.json. */
export interface Place {
  readonly inputs: readonly ModelInput[];
  readonly seed: number;
  /** Where the model stands, for what usually stands beside it (tokenizer.json). */
  readonly modelFolder?: string | undefined;
  resolve(path: string): string;
  /** Random access; small files are kept in memory, gzip (`.gz`) is undone. */
  source(path: string): Promise<ByteSource>;
  /** A whole file, at most `limit` bytes (default 1 GiB). */
  bytes(path: string, limit?: number): Promise<Uint8Array>;
  text(path: string): Promise<string>;
  /** Names below a folder, sorted; undefined when it is not one. */
  list(path: string): Promise<readonly string[] | undefined>;
  /**
   * The files that paths, folders and glob patterns stand for, sorted within each; from folders, those that end in one
   * of `extensions`. Throws `invalid("data-empty")` when there is none.
   */
  files(stated: string | readonly string[], extensions: readonly string[]): Promise<readonly DataFile[]>;
  decodeImage(bytes: Uint8Array): Promise<RawImage>;
  importModule(path: string): Promise<Record<string, unknown>>;
}

export interface Reader<Options extends z.ZodObject = z.ZodObject> extends Method {
  readonly options: Options;
  /**
   * The options with which this reader would read a bare path, or undefined when it is not for this reader. `names`
   * are the files below a folder, undefined for a file.
   */
  guess(path: string, names: readonly string[] | undefined): z.input<Options> | undefined;
  open(options: z.output<Options>, place: Place): Promise<Rows>;
}

/** A reader as the registry holds it: its options have been parsed by its own schema before `open` sees them. */
export interface AnyReader extends Method {
  readonly options: z.ZodObject;
  guess(path: string, names: readonly string[] | undefined): Record<string, unknown> | undefined;
  open(options: Record<string, unknown>, place: Place): Promise<Rows>;
}

export function defineReader<Options extends z.ZodObject>(reader: Reader<Options>): AnyReader {
  return {
    ...reader,
    guess: (path, names) => reader.guess(path, names) as Record<string, unknown> | undefined,
    open: (options, place) => reader.open(options as z.output<Options>, place),
  };
}

/** Ends with one of the extensions (".png"), whatever the case. */
export const endsIn = (path: string, extensions: readonly string[]): boolean =>
  extensions.some((extension) => path.toLowerCase().endsWith(extension));
