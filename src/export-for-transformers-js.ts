// A model folder of the Hub in every dtype that transformers.js loads: each model compressed by that dtype's recipe, run
// against the original, saved under the name that is looked for; config.json says what transformers.js must know.

import { platform } from "#platform";
import { invalid, PareError } from "./base/errors.js";
import { info, type Note, warning } from "./base/note.js";
import { compress } from "./compress.js";
import { cacheType } from "./hub/cache.js";
import { type HubFileFacts, hubConfig, parseConfig } from "./hub/config.js";
import { decodeRows } from "./hub/decode-rows.js";
import { HUB_DTYPES, type HubDtype, type HubStep } from "./hub/dtypes.js";
import { hubLayout } from "./hub/layout.js";
import type { Model } from "./ir/model.js";
import { load } from "./load.js";
import { type Saved, type SaveOptions, save } from "./save.js";
import { saveVerified } from "./save-verified.js";
import type { ServiceOptions } from "./services.js";
import type { Verification } from "./verify.js";

export interface TransformersJsOptions extends ServiceOptions {
  /** Names of the dtypes to write; default: all, fp32 included. */
  readonly dtypes?: readonly string[] | undefined;
  /** Weights in `<model>.onnx_data` beside each model. Default: only those of models above 2 GiB. */
  readonly external?: boolean | undefined;
  /** Bytes of one data file at most; default 2 GB, which pages of today's browsers can hold in one buffer. */
  readonly dataLimit?: number | undefined;
  /** false: results are not run against the original. */
  readonly verify?: boolean | undefined;
}

/** One model in one dtype. */
export interface TransformersJsFile {
  /** As "decoder_model_merged". */
  readonly model: string;
  readonly dtype: string;
  /** Undefined when it was not written: then `skipped` says why. */
  readonly saved: Saved | undefined;
  readonly skipped?: string;
  /** How near its outputs are to those of fp32; undefined for fp32 itself, and when it was not verified. */
  readonly verification: Verification | undefined;
  readonly notes: readonly Note[];
}

export interface TransformersJsExport {
  readonly folder: string;
  readonly files: readonly TransformersJsFile[];
  /** Files that went along unchanged, relative to the folder. */
  readonly copied: readonly string[];
  /** About the folder: what stayed behind. What was done to each model stands in its own notes. */
  readonly notes: readonly Note[];
}

const DATA_LIMIT = 2e9;

/**
 * Reads the model folder `from` and writes the folder `to`, which may not be inside it. A form that is not possible is
 * left out with the reason; nothing else is. No quality is asked of a form (1 bit is poor by nature): its fidelity is
 * reported. Node only.
 *
 * @throws PareError `hub-layout` or `hub-config` for a folder that is none, `hub-dtype` for an unknown dtype, and what
 * `load` throws for a model that cannot be read.
 */
export async function exportForTransformersJs(
  from: string,
  to: string,
  options: TransformersJsOptions = {},
): Promise<TransformersJsExport> {
  const dtypes = wanted(options.dtypes);
  const found = await platform.list(from);
  if (found === undefined) throw invalid("hub-layout", `${from} is not a folder.`);
  const layout = hubLayout(found, from);
  const config = parseConfig(await text(`${from}/config.json`));
  if (options.data !== undefined && layout.models.length > 1) {
    throw invalid("hub-data", `One dataset does not fit ${layout.models.length} models.`, {
      found: layout.models.map(({ name }) => name).join(", "),
      hint: "Leave data out: each model is then verified on synthetic inputs.",
    });
  }
  await refuseInside(from, to);
  await platform.makeFolder(`${to}/onnx`);
  const { dtypes: _, external, dataLimit = DATA_LIMIT, verify = true, ...services } = options;
  const how: How = {
    services,
    saving: { ...services, ...(external ? { external } : {}), dataSuffix: "_data", dataLimit },
    verify,
  };

  const files: TransformersJsFile[] = [];
  const facts: HubFileFacts[] = [];
  const data = new Set<string>();
  for (const { name, path } of layout.models) {
    const original = await load(`${from}/${path}`, options);
    for (const file of original.origin?.files ?? []) data.add((await platform.realPath(file)) ?? file);
    for await (const made of formsOf(name, original, dtypes, `${to}/onnx`, how)) {
      files.push(made.file);
      if (made.facts) facts.push(made.facts);
    }
  }
  const copied: string[] = [];
  const notes = layout.left.map(({ path, reason }) => info("hub-left", `${path} was not copied: ${reason}.`, path));
  for (const path of layout.companions) {
    options.signal?.throwIfAborted();
    const real = await platform.realPath(`${from}/${path}`);
    if (real !== undefined && data.has(real)) {
      notes.push(info("hub-left", `${path} was not copied: it holds weights of a model.`, path));
      continue;
    }
    await copy(`${from}/${path}`, `${to}/${path}`);
    copied.push(path);
  }
  // Last, for it speaks of the others.
  await write(`${to}/config.json`, `${JSON.stringify(hubConfig(config, facts), null, 2)}\n`);
  return { folder: to, files, copied, notes };
}

function wanted(names: readonly string[] | undefined): readonly HubDtype[] {
  for (const name of names ?? []) {
    if (HUB_DTYPES.some((dtype) => dtype.name === name)) continue;
    throw invalid("hub-dtype-unknown", `transformers.js has no dtype "${name}".`, {
      expected: HUB_DTYPES.map((dtype) => dtype.name).join(", "),
      found: name,
    });
  }
  return names === undefined ? HUB_DTYPES : HUB_DTYPES.filter(({ name }) => names.includes(name));
}

/** The input stays as it is. */
async function refuseInside(from: string, to: string): Promise<void> {
  const outer = await platform.realPath(from);
  // The part of the path that is there already says where the rest will be.
  let there = to.replace(/[/\\]+$/, "");
  let inner = await platform.realPath(there);
  while (inner === undefined) {
    const cut = Math.max(there.lastIndexOf("/"), there.lastIndexOf("\\"));
    there = cut < 0 ? "." : there.slice(0, Math.max(cut, 1));
    inner = await platform.realPath(there);
    if (cut <= 0) break;
  }
  if (outer === undefined || inner === undefined) return;
  if (inner !== outer && !inner.startsWith(`${outer}/`) && !inner.startsWith(`${outer}\\`)) return;
  throw invalid("output-in-input", `${to} is inside ${from}, which pare leaves as it is.`, {
    hint: "Choose another output folder: -o <folder>.",
  });
}

interface How {
  readonly services: ServiceOptions;
  readonly saving: SaveOptions & ServiceOptions;
  readonly verify: boolean;
}

interface Made {
  readonly file: TransformersJsFile;
  readonly facts?: HubFileFacts;
}

/** One model in all dtypes, one after another. Dtypes with the same recipe are made and verified once. */
async function* formsOf(
  model: string,
  original: Model,
  dtypes: readonly HubDtype[],
  folder: string,
  { services, saving, verify }: How,
): AsyncGenerator<Made> {
  const { model: clean } = await compress(original, [{ method: "clean" }], services);
  const known = new Map<string, { result: Model; notes: readonly Note[]; verification: Verification | undefined }>();
  for (const dtype of dtypes) {
    services.signal?.throwIfAborted();
    const file = `${model}${dtype.suffix}.onnx`;
    const path = `${folder}/${file}`;
    try {
      const steps = dtype.steps(clean);
      const key = JSON.stringify(steps);
      const same = known.get(key);
      const made = same ?? { ...(await makeForm(original, clean, steps, services)), verification: undefined };
      const { saved, verification } =
        same || steps.length === 0 || !verify
          ? { saved: await save(made.result, path, saving), verification: made.verification }
          : await saveVerified(original, made.result, path, saving);
      known.set(key, { ...made, verification });
      yield {
        file: { model, dtype: dtype.name, saved, verification, notes: [...made.notes, ...(verification?.notes ?? [])] },
        facts: { model, file, dtype: dtype.name, dataFiles: saved.files.length - 1, cache: cacheType(made.result) },
      };
    } catch (error) {
      if (!(error instanceof PareError) || error.kind === "internal") throw error;
      const skipped = error.node === undefined ? error.message : `${error.message} (${error.node})`;
      const note = warning("hub-skipped", `${file} was not written: ${skipped}`, file);
      yield { file: { model, dtype: dtype.name, saved: undefined, skipped, verification: undefined, notes: [note] } };
    }
  }
}

async function makeForm(
  original: Model,
  clean: Model,
  steps: readonly HubStep[],
  services: ServiceOptions,
): Promise<{ result: Model; notes: readonly Note[] }> {
  if (steps.length === 0) return { result: original, notes: [] };
  const { model: result, notes } = await compress(clean, steps, { ...services, methods: [decodeRows] });
  const idle = notes.filter(({ code }) => code === "nothing-quantized").length;
  if (idle < steps.filter(({ method }) => method === "quantize").length)
    return { result, notes: notes.filter(({ code }) => code !== "nothing-quantized") };
  return { result, notes: [warning("nothing-quantized", "It has no weights to pack: the file is as fp32's.")] };
}

async function text(path: string): Promise<string> {
  const { source } = await platform.open(path);
  try {
    return new TextDecoder().decode(await source.read(0, source.size));
  } finally {
    await source.close?.();
  }
}

async function write(path: string, content: string): Promise<void> {
  const sink = await platform.create(path);
  try {
    await sink.write(new TextEncoder().encode(content));
    await sink.finish();
    await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

const PART = 8 * 2 ** 20;

async function copy(from: string, to: string): Promise<void> {
  await platform.makeFolder(to.slice(0, to.lastIndexOf("/")));
  const { source } = await platform.open(from);
  try {
    const sink = await platform.create(to);
    try {
      for (let at = 0; at < source.size; at += PART) {
        await sink.write(await source.read(at, Math.min(PART, source.size - at)));
      }
      await sink.finish();
      await sink.commit();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  } finally {
    await source.close?.();
  }
}
