// A model under measurement and its file: the one it was loaded from, or a temporary one when it was made in memory.

import { platform } from "#platform";
import { type ByteSource, bytesSource } from "./base/bytes.js";
import type { TemporaryFolder } from "./engine/runtime.js";
import type { Model } from "./ir/model.js";
import { isAsLoaded } from "./load.js";
import type { Subject, SubjectFile } from "./metrics/metric.js";
import { encode, layOutModel, toBytes } from "./onnx/encode.js";
import { MAX_MODEL } from "./onnx/limits.js";

export interface OpenSubject extends Subject {
  /** Closes its files; temporary ones go with their folder. */
  close(): Promise<void>;
}

interface Services {
  temporary(): Promise<TemporaryFolder>;
}

export function subjectOf(model: Model, index: number, services: Services): OpenSubject {
  const own = isAsLoaded(model) ? model.origin : undefined;
  let file: Promise<SubjectFile> | undefined;
  return {
    path: nameOf(model, index),
    model,
    bytes: own?.bytes ?? layOutModel(model).byteLength,
    file() {
      file ??= asFile(model, index, services);
      return file;
    },
    async close() {
      // A file that could not be made was an error already, where it was asked for.
      const made = await file?.catch(() => undefined);
      for (const source of made?.sources ?? []) await source.close?.();
    },
  };
}

/** A model that was changed since it was loaded does not pass for its file. */
function nameOf(model: Model, index: number): string {
  const name = model.origin?.name;
  if (name === undefined) return `model ${index + 1}`;
  return isAsLoaded(model) ? name : `${name} (changed, ${index + 1})`;
}

async function asFile(model: Model, index: number, { temporary }: Services): Promise<SubjectFile> {
  const own = isAsLoaded(model) ? await originalFile(model) : undefined;
  if (own) return own;
  if (platform.name === "browser") return { sources: [bytesSource(await toBytes(model))], path: undefined };
  return temporaryFile(model, `subject-${index}.onnx`, await temporary());
}

/** The path of the file that holds this very model, unchanged since it was loaded; undefined when there is none. */
export async function unchangedPath(model: Model): Promise<string | undefined> {
  if (!isAsLoaded(model)) return undefined;
  const own = await originalFile(model);
  for (const source of own?.sources ?? []) await source.close?.();
  return own?.path;
}

/** Undefined when the model did not come from files, or these are no longer what was loaded. */
async function originalFile({ origin }: Model): Promise<SubjectFile | undefined> {
  if (origin === undefined || origin.name === "bytes" || origin.files.length === 0) return undefined;
  const sources: ByteSource[] = [];
  try {
    for (const path of origin.files) sources.push((await platform.open(path)).source);
  } catch {
    // The file is gone: the model in hand still reads it, and is written anew.
  }
  const same = sources.reduce((sum, source) => sum + source.size, 0) === origin.bytes;
  if (same && sources.length === origin.files.length) return { sources, path: await platform.realPath(origin.name) };
  for (const source of sources) await source.close?.();
  return undefined;
}

async function temporaryFile(model: Model, name: string, folder: TemporaryFolder): Promise<SubjectFile> {
  const inline = layOutModel(model).byteLength <= MAX_MODEL;
  const encoded = inline ? encode(model) : encode(model, { external: { location: `${name}.data` } });
  const sources: ByteSource[] = [];
  for (const [file, part] of [
    [name, encoded],
    [`${name}.data`, encoded.external],
  ] as const) {
    if (part === undefined) continue;
    const sink = await folder.create(file);
    try {
      for await (const piece of part.stream()) await sink.write(piece);
      await sink.finish();
      await sink.commit();
    } catch (error) {
      await sink.abort();
      throw error;
    }
    sources.push(await folder.open(file));
  }
  return { sources, path: folder.file(name) };
}
