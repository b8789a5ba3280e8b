// save: a model to a file, whole or not at all. Weights are pulled one after another, so that a chain of steps over a
// model of any size costs one weight of memory and one pass over the input.

import { platform } from "#platform";
import type { ByteSink } from "./base/bytes.js";
import type { Context } from "./base/context.js";
import { invalid } from "./base/errors.js";
import type { Model } from "./ir/model.js";
import { type EncodedFile, encode, layOutModel, pieceStream, toBytes } from "./onnx/encode.js";
import { openedSource } from "./onnx/external-data.js";
import type { Piece } from "./onnx/layout.js";
import { MAX_MODEL } from "./onnx/limits.js";

export interface SaveOptions extends Context {
  /** Weights of 1 KiB or more in a file `<name>.data` beside the model. Default: only when it passes 2 GiB. */
  readonly external?: boolean;
  /** What the name of that data file adds to the model's; default ".data". */
  readonly dataSuffix?: string;
  /** Bytes of one data file at most, as far as no single weight is larger; more go to `_1`, `_2` ... Default: one file. */
  readonly dataLimit?: number | undefined;
}

export interface Saved {
  readonly path: string;
  /** Bytes of all files. */
  readonly bytes: number;
  /** The model file, then its data files if there are any. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
}

/**
 * Writes `model` to `path`. Output goes to temporary names in the same folder, is synced, and is renamed when all of it
 * is there: an error, a full disk or an abort leaves every old file as it was and nothing new behind.
 *
 * Saving over the input is safe: everything is read before anything is renamed, and the open model goes on reading the
 * old file. A symbolic link at `path` is replaced, not followed. Refused is what would replace a data file that
 * another model file still refers to (`output-is-input-data`).
 */
export async function save(model: Model, path: string, options: SaveOptions = {}): Promise<Saved> {
  options.signal?.throwIfAborted();
  const inline = options.external === true ? undefined : layOutModel(model);
  const external = inline === undefined || (inline.byteLength > MAX_MODEL && options.external !== false);
  if (!external) {
    if (inline.byteLength > MAX_MODEL) encode(model); // throws, with the reason
    await refuseDataFile(model, path, path);
    const writing = new Writing(inline.byteLength, options);
    await writing.guarded(async () => {
      const sink = await writing.create(path);
      await writing.fill(sink, inline);
      await sink.commit();
    });
    return saved([path, inline]);
  }
  return saveExternal(model, path, options);
}

/** The model as the bytes of one file, weights inline; what the page saves with. At most 2 GiB - 1. */
export const saveBytes = (model: Model): Promise<Uint8Array<ArrayBuffer>> => toBytes(model);

/**
 * Two files cannot be renamed in one act, and between the two renames a crash would leave an old model file over new
 * data: wrong in silence. So where a data file stands already, the new one first gets a second name of its own beside
 * it, and the model file goes through two versions:
 *   1. model -> data under the second name   (the old pair is replaced in one rename; the old data is now unused)
 *   2. new data takes its proper name        (the model does not look there yet)
 *   3. model -> data under its proper name
 *   4. the second name goes away
 * At every moment the model file and the data that it names belong together. It costs a second writing of the model
 * file without its weights. Without hard links (FAT, some network drives) the data is renamed first, then the model.
 */
async function saveExternal(model: Model, path: string, options: SaveOptions): Promise<Saved> {
  const { dataSuffix = ".data", dataLimit: limit } = options;
  const location = `${baseName(path)}${dataSuffix}`;
  const encoded = encode(model, { external: { location, limit } });
  const data = [encoded.external, ...(encoded.further ?? [])].filter((file) => file !== undefined);
  const beside = (name: string) => `${path}${name.slice(baseName(path).length)}`;
  await refuseDataFile(model, path, path);
  for (const file of data) await refuseDataFile(model, beside(file.location), path);
  const writing = new Writing(encoded.byteLength + data.reduce((sum, file) => sum + file.byteLength, 0), options);
  await writing.guarded(async () => {
    // Data first, for it is what may not fit.
    const dataSinks: ByteSink[] = [];
    let replaces = false;
    for (const file of data) {
      const sink = await writing.create(beside(file.location));
      dataSinks.push(sink);
      await writing.fill(sink, file);
      replaces ||= (await platform.realPath(beside(file.location))) !== undefined;
    }
    const sink = await writing.create(path);
    await writing.fill(sink, encoded);
    const second = `${location}.${data[0]?.byteLength ?? 0}.new`;
    const removeSecond = replaces ? await aliases(dataSinks, beside(second)) : undefined;
    if (removeSecond) {
      try {
        const between = await writing.create(path);
        await writing.fill(between, encode(model, { external: { location: second, limit } }));
        await between.commit();
      } catch (error) {
        await removeSecond();
        throw error;
      }
    }
    // From here on nothing is read or written, only names change.
    for (const dataSink of dataSinks) await dataSink.commit();
    await sink.commit();
    await removeSecond?.();
  });
  return saved([path, encoded], ...data.map((file) => [beside(file.location), file] as const));
}

/** Second names of all data files, `path`, `path_1` ..., or undefined where there are no hard links. */
async function aliases(sinks: readonly ByteSink[], path: string): Promise<(() => Promise<void>) | undefined> {
  const made: (() => Promise<void>)[] = [];
  const remove = async () => {
    for (const one of made) await one();
  };
  for (const [at, sink] of sinks.entries()) {
    const one = await sink.alias?.(at === 0 ? path : `${path}_${at}`);
    if (one === undefined) {
      await remove();
      return undefined;
    }
    made.push(one);
  }
  return remove;
}

/** The outputs of one save: filled with progress, and all taken back when anything fails. */
class Writing {
  private readonly sinks: ByteSink[] = [];
  private done = 0;

  constructor(
    private readonly total: number,
    private readonly options: SaveOptions,
  ) {}

  async create(path: string): Promise<ByteSink> {
    const sink = await platform.create(path);
    this.sinks.push(sink);
    return sink;
  }

  async fill(sink: ByteSink, file: EncodedFile): Promise<void> {
    for (const piece of file.pieces) await this.put(sink, piece);
    this.options.signal?.throwIfAborted();
    await sink.finish();
    this.options.signal?.throwIfAborted();
  }

  async guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      for (const sink of this.sinks) await sink.abort();
      throw error;
    }
  }

  private async put(sink: ByteSink, piece: Piece): Promise<void> {
    const span = piece instanceof Uint8Array ? undefined : piece.span;
    if (span && sink.copyFrom) {
      // Weights that did not change go from file to file; in parts, for progress and for the signal.
      const source = openedSource(span.source);
      for (let at = 0; at < piece.byteLength; ) {
        const length = Math.min(PART, piece.byteLength - at);
        if (!(await sink.copyFrom(source, span.offset + at, length))) break;
        at += length;
        this.progress(length);
        if (at === piece.byteLength) return;
      }
    }
    for await (const bytes of pieceStream(piece)) {
      await sink.write(bytes);
      this.progress(bytes.byteLength);
    }
  }

  private progress(bytes: number): void {
    this.options.signal?.throwIfAborted();
    this.done += bytes;
    this.options.onProgress?.({ task: "save", done: Math.min(this.done, this.total), total: this.total });
  }
}

const PART = 64 * 2 ** 20;

/**
 * A path that leads to a data file of the input may be replaced only together with the model file that refers to it:
 * else that model would lose its weights.
 */
async function refuseDataFile(model: Model, path: string, modelPath: string): Promise<void> {
  const [input, ...dataFiles] = model.origin?.files ?? [];
  const target = await platform.realPath(path);
  if (target === undefined || input === undefined) return;
  const isData = await anySame(dataFiles, target);
  if (!isData || (path !== modelPath && (await platform.realPath(modelPath)) === (await platform.realPath(input))))
    return;
  throw invalid("output-is-input-data", `${path} holds weights of ${input}: writing there would destroy that model.`, {
    hint: "Choose another output name.",
  });
}

async function anySame(paths: readonly string[], target: string): Promise<boolean> {
  for (const path of paths) if ((await platform.realPath(path)) === target) return true;
  return false;
}

function baseName(path: string): string {
  const name = path.slice(Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1);
  return /^file:/i.test(path) ? decodeURIComponent(name) : name;
}

function saved(...files: readonly (readonly [path: string, file: EncodedFile])[]): Saved {
  const list = files.map(([path, file]) => ({ path, bytes: file.byteLength }));
  return { path: list[0]!.path, bytes: list.reduce((sum, file) => sum + file.bytes, 0), files: list };
}
