// From what a user points at to a dataset: recognises it, opens its reader, feeds one row on trial, deals out the parts.

import { invalid } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import { checkAugment, parseAugment } from "./augment/index.js";
import type { Dataset, Split } from "./dataset.js";
import { feeder, modelInputs } from "./inputs.js";
import { type DataServices, folderOf, placeAt } from "./place.js";
import type { Place, Row, Rows } from "./reader.js";
import { readers } from "./readers/index.js";
import { type Arrangement, PARTS, part } from "./rows.js";
import { COMMON_KEYS, checkSpec, type DatasetSpec } from "./spec.js";

/** Of the files that parts share, when the dataset does not say: enough to calibrate, most of it to measure. */
const SHARES: Readonly<Record<Split, number>> = { calibrate: 0.2, train: 0.3, measure: 0.5 };
/** Of training files that calibration has to share, when nothing is said. */
const CALIBRATE_OF_TRAIN = 0.1;

/**
 * Opens a dataset for a model. `spec` is a path (or URL) of a dataset.json, a folder, a file or a module, or the
 * description itself, whose relative paths are then relative to `base` (default: where the program runs).
 * Nothing is read but headers, labels and the first sample, which is made into feeds so that what does not fit is
 * refused here.
 */
export async function openDataset(
  spec: string | DatasetSpec,
  model: Model,
  services: DataServices,
  base = "",
): Promise<Dataset> {
  const inputs = modelInputs(model);
  const origin = model.origin === undefined || model.origin.name === "bytes" ? undefined : folderOf(model.origin.name);
  const found =
    typeof spec === "string" ? await describe(spec, services) : { spec: checkSpec(spec, "the dataset"), base };
  const seed = found.spec.seed ?? services.seed ?? 0;
  const place = { ...placeAt(found.base, services, inputs, seed), modelFolder: origin };
  const name = found.spec.name ?? (typeof spec === "string" ? spec : `${found.spec.reader} data`);
  return new Parts(found.spec, name, place).open();
}

/** What a bare path is: a description is read, all else is offered to the readers in turn. */
async function describe(path: string, services: DataServices): Promise<{ spec: DatasetSpec; base: string }> {
  const names = await services.list(path);
  if (names?.includes("dataset.json")) return describe(`${path.replace(/\/$/, "")}/dataset.json`, services);
  const base = names ? path : folderOf(path);
  if (names === undefined && path.toLowerCase().endsWith(".json")) {
    const { source } = await services.open(path);
    const text = new TextDecoder("utf-8").decode(await source.read(0, source.size));
    await source.close?.();
    let parsed: unknown;
    try {
      parsed = JSON.parse(text);
    } catch (cause) {
      throw invalid("data-json", `${path} is not JSON: ${(cause as Error).message}.`, { node: path, cause });
    }
    return { spec: checkSpec(parsed, path), base };
  }
  const file = path.replaceAll("\\", "/").split("/").at(-1) ?? path;
  for (const reader of readers.list) {
    const options = reader.guess(names ? "." : file, names);
    if (options) return { spec: { reader: reader.name, ...options }, base };
  }
  throw invalid("data-unknown", `It is not clear how to read ${path}.`, {
    expected: "a dataset.json, a folder of images or .wav files, .npz, .npy, .csv, .tsv, .jsonl, .txt, IDX or .mjs",
    found: names ? `a folder of ${names.length} files` : "another kind of file",
    hint: "Describe it in a dataset.json (docs/data.md).",
  });
}

/** The parts of one dataset: each opened when it is asked for, all from one seeded order of the rows they share. */
class Parts {
  constructor(
    private readonly spec: DatasetSpec,
    private readonly name: string,
    private readonly place: Place,
  ) {}

  async open(): Promise<Dataset> {
    const { split = {} } = this.spec;
    const main = await this.arrange(undefined);
    const own = new Map<Split, Arrangement>();
    for (const name of PARTS) {
      if (typeof split[name] === "object") own.set(name, await this.arrange(name));
    }
    const shared = sharesOf(split);
    const plan = parseAugment(this.spec.augment ?? []);
    const dealt = (name: Split): Dataset => {
      const from = own.get(name);
      const [begin, end] = from ? [0, 1] : span(shared, name);
      const train = own.get("train");
      const cut = train !== undefined && split.calibrate === undefined;
      const augment = name === "train" ? plan : undefined;
      const self = (): Dataset => {
        if (cut && name === "calibrate") return part(train, 0, CALIBRATE_OF_TRAIN, { split: self });
        if (cut && name === "train") return part(train, CALIBRATE_OF_TRAIN, 1, { split: self, augment });
        return part(from ?? main, begin, end, { split: self, augment });
      };
      return self();
    };
    // What does not fit is refused now, not when training begins.
    const train = own.get("train") ?? main;
    checkAugment(plan, train.rows.augments, train.name);
    return part(main, 0, 1, { split: dealt });
  }

  /** The rows of the dataset, or of a part that has files of its own, with a first row fed on trial. */
  private async arrange(name: Split | undefined): Promise<Arrangement> {
    const stated = name === undefined ? {} : (this.spec.split?.[name] as Readonly<Record<string, unknown>>);
    // A part that names its reader is described whole; else it says what differs from the dataset.
    const merged: Record<string, unknown> = "reader" in stated ? stated : { ...this.spec, ...stated };
    const reader = readers.get(String(merged.reader));
    const options = Object.fromEntries(Object.entries(merged).filter(([key]) => !COMMON_KEYS.includes(key)));
    const rows = await reader.open(reader.options.strict().parse(options), this.place);
    const remark = rows.remark === undefined ? "" : ` (${rows.remark})`;
    return {
      name: `${this.name}${remark}`,
      rows,
      feeder: feeder(this.place.inputs, this.spec.inputs ?? {}, rows, await firstRow(rows, this.name)),
      seed: this.place.seed,
      count: (name === undefined ? this.spec.count : (stated as { count?: number }).count) ?? undefined,
      metric: this.spec.metric,
    };
  }
}

async function firstRow(rows: Rows, name: string): Promise<Row> {
  if (rows.size !== undefined && rows.size > 0) return rows.read(0);
  if (rows.size === undefined) for await (const row of rows.stream()) return row;
  throw invalid("data-empty", `${name} holds no sample.`);
}

/** Shares of the dataset's own files: as stated, or, when no number is stated, in the usual ratio of those that share. */
function sharesOf(split: NonNullable<DatasetSpec["split"]>): Readonly<Record<Split, number>> {
  const stated = PARTS.filter((name) => typeof split[name] === "number");
  const total = stated.reduce((sum, name) => sum + (split[name] as number), 0);
  if (total > 1 + 1e-9) {
    throw invalid("data-split", "The parts of the dataset would overlap.", {
      expected: "shares that add up to at most 1",
      found: stated.map((name) => `${name} ${split[name]}`).join(", "),
    });
  }
  if (stated.length > 0) {
    const share = (name: Split) => (typeof split[name] === "number" ? (split[name] as number) : 0);
    return { calibrate: share("calibrate"), train: share("train"), measure: share("measure") };
  }
  // With training files of its own, calibration takes from those, and all of the dataset is for measuring.
  const takes = (name: Split) => split[name] === undefined && !(name === "calibrate" && split.train !== undefined);
  const whole = PARTS.filter(takes).reduce((sum, name) => sum + SHARES[name], 0);
  const share = (name: Split) => (takes(name) ? SHARES[name] / whole : 0);
  return { calibrate: share("calibrate"), train: share("train"), measure: share("measure") };
}

function span(shares: Readonly<Record<Split, number>>, name: Split): readonly [number, number] {
  let begin = 0;
  for (const part of PARTS) {
    const end = Math.min(begin + shares[part], 1);
    if (part === name) return [begin, end > 1 - 1e-9 ? 1 : end];
    begin = end;
  }
  return [0, 0];
}
