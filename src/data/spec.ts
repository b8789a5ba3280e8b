// The form of dataset.json: what every dataset may state, and the options of its reader beside it. Closed objects: an
// unknown key is an error with a suggestion. `schema/dataset.schema.json` is made from here (tools/make-schemas.ts).

import { z } from "zod";
import { invalid } from "../base/errors.js";
import { optionError } from "../base/option-error.js";
import { type AugmentInput, augmentInput } from "./augment/index.js";
import type { Split } from "./dataset.js";
import { inputRules } from "./inputs.js";
import type { AnyReader } from "./reader.js";
import { readers } from "./readers/index.js";

const share = z.number().min(0).max(1);

const common = {
  $schema: z.string().optional(),
  name: z.string().optional().describe("For reports. Default: the folder and file"),
  inputs: inputRules.optional(),
  metric: z.string().optional().describe("What to measure on the labels: top-1, f1, spearman, mean-error, perplexity"),
  seed: z.int().min(0).optional().describe("Of the order and the parts. Default: --seed, else 0"),
  augment: augmentInput.optional(),
  count: z.int().min(1).optional().describe("Use so many samples at most, drawn by the seed"),
};

/** Keys of a dataset that are not its reader's. */
export const COMMON_KEYS: readonly string[] = ["reader", ...Object.keys(common), "split"];

/** A part that is read in another way than the rest: a description of its own. */
const foreign = z
  .discriminatedUnion("reader", [partWithReader(readers.list[0]!), ...readers.list.slice(1).map(partWithReader)])
  .meta({ id: "part" });

function partWithReader(reader: AnyReader) {
  return reader.options.extend({ reader: z.literal(reader.name), count: common.count }).strict();
}

function schemaOf(reader: AnyReader) {
  const own = reader.options
    .extend({ count: common.count })
    .partial()
    .strict()
    .describe("Files of its own for this part, and what differs");
  const part = z.union([share.describe("Share of the dataset's files"), own, foreign]);
  const split = z
    .strictObject({ calibrate: part.optional(), train: part.optional(), measure: part.optional() })
    .describe("The parts, which never overlap. Default: 0.2, 0.3 and 0.5 of the files");
  return z
    .strictObject({ reader: z.literal(reader.name), ...common, split: split.optional(), ...reader.options.shape })
    .describe(reader.summary);
}

export const schemas: ReadonlyMap<string, z.ZodObject> = new Map(
  readers.list.map((reader) => [reader.name, schemaOf(reader)]),
);

/** Options of the readers; which of them a reader takes, and in what form, is its own schema's to say. */
type ReaderOption =
  | "files"
  | "labels"
  | "image"
  | "rows"
  | "height"
  | "width"
  | "dtype"
  | "endian"
  | "shape"
  | "skip"
  | "zero"
  | "scale"
  | "header"
  | "delimiter"
  | "text"
  | "pair"
  | "tokenizer"
  | "length"
  | "pad"
  | "padId"
  | "separator"
  | "windows"
  | "rate";

type Part = number | Readonly<Partial<Record<ReaderOption | "reader" | "count", unknown>>>;

/** A dataset as it is written down: the content of a dataset.json. */
export interface DatasetSpec extends Readonly<Partial<Record<ReaderOption, unknown>>> {
  readonly reader: string;
  readonly name?: string;
  readonly inputs?: z.input<typeof inputRules>;
  readonly metric?: string;
  readonly seed?: number;
  readonly augment?: AugmentInput;
  readonly count?: number;
  readonly split?: Readonly<Partial<Record<Split, Part>>>;
}

/**
 * Checks a dataset's description. Defaults are not filled in: parts lay their own options over these first.
 * Throws `invalid("data-reader-unknown")`, `invalid("option-unknown")` or `invalid("option-invalid")`.
 */
export function checkSpec(input: unknown, where: string): DatasetSpec {
  const name = (input as { reader?: unknown } | null)?.reader;
  if (typeof name !== "string") {
    throw invalid("option-invalid", `${where} does not state its reader.`, {
      expected: `"reader": one of ${readers.names.join(", ")}`,
      found: JSON.stringify(input)?.slice(0, 80),
    });
  }
  const schema = schemas.get(readers.get(name).name)!;
  const parsed = schema.safeParse(input);
  if (parsed.success) return input as DatasetSpec;
  throw optionError(parsed.error, schema, input, where);
}
