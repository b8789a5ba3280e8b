// Where a dataset's files stand: relative paths, folders, glob patterns, gzip, and a small cache of small files.

import { gunzipSync } from "fflate";
import picomatch from "picomatch";
import { type ByteSource, bytesSource } from "../base/bytes.js";
import { invalid, unsupported } from "../base/errors.js";
import type { RawImage } from "./image.js";
import { type DataFile, endsIn, type ModelInput, type Place } from "./reader.js";

/** What datasets ask of the platform. */
export interface DataServices {
  open(path: string): Promise<{ readonly source: ByteSource }>;
  list(path: string): Promise<readonly string[] | undefined>;
  decodeImage(bytes: Uint8Array): Promise<RawImage>;
  importModule(path: string): Promise<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
  /** Used when the dataset states none; default 0. */
  readonly seed?: number | undefined;
}

/** Files up to this size are read once and kept, the last ones used, so many bytes together. */
const KEPT = 64 * 2 ** 20;
/** A file that has to be whole in memory: more than this is no dataset table. */
const WHOLE = 2 ** 30;

export function placeAt(base: string, services: DataServices, inputs: readonly ModelInput[], seed: number): Place {
  const kept = new Map<string, ByteSource>();
  const place: Place = {
    inputs,
    seed,
    resolve: (path) => joined(base, path),
    list: (path) => services.list(joined(base, path)),
    decodeImage: (bytes) => services.decodeImage(bytes),
    importModule: (path) => services.importModule(joined(base, path)),
    async source(path) {
      const full = joined(base, path);
      const known = kept.get(full);
      if (known) return known;
      const { source } = await services.open(full);
      const zipped = endsIn(path, [".gz"]);
      if (source.size > KEPT && !zipped) return source;
      const bytes = await whole(source, WHOLE);
      const held = bytesSource(zipped ? gunzip(bytes, full) : bytes, full);
      await source.close?.();
      keep(kept, full, held);
      return held;
    },
    async bytes(path, limit = WHOLE) {
      const full = joined(base, path);
      const { source } = await services.open(full);
      const bytes = await whole(source, limit);
      await source.close?.();
      return endsIn(path, [".gz"]) ? gunzip(bytes, full) : bytes;
    },
    text: async (path) => new TextDecoder("utf-8").decode(await place.bytes(path)),
    async files(stated, extensions) {
      const found: DataFile[] = [];
      for (const path of typeof stated === "string" ? [stated] : stated) {
        found.push(...(await expand(path, extensions, base, services)));
      }
      if (found.length > 0) return found;
      throw invalid("data-empty", "The dataset has no files.", {
        expected: `files that end in ${extensions.join(", ")}`,
        found: JSON.stringify(stated),
      });
    },
  };
  return place;
}

/** Keeps a file, and lets the oldest go when all together pass the bound. */
function keep(kept: Map<string, ByteSource>, path: string, source: ByteSource): void {
  kept.set(path, source);
  let total = [...kept.values()].reduce((sum, { size }) => sum + size, 0);
  for (const [oldest, { size }] of kept) {
    if (total <= KEPT || oldest === path) return;
    kept.delete(oldest);
    total -= size;
  }
}

async function expand(path: string, extensions: readonly string[], base: string, services: DataServices) {
  const { base: stem, glob } = picomatch.scan(path.replaceAll("\\", "/"));
  const full = joined(base, glob === "" ? path : stem);
  const names = await services.list(full);
  if (glob === "") {
    if (names === undefined) return [{ path: full, name: lastPart(full) }];
    const wanted = names.filter((name) => endsIn(name, extensions) && !hidden(name));
    return wanted.map((name) => ({ path: `${full}/${name}`, name }));
  }
  const matches = picomatch(glob);
  return (names ?? []).filter((name) => matches(name)).map((name) => ({ path: `${full}/${name}`, name }));
}

const hidden = (name: string) => name.split("/").some((part) => part.startsWith("."));
const lastPart = (path: string) => path.split("/").at(-1) ?? path;

async function whole(source: ByteSource, limit: number): Promise<Uint8Array> {
  if (source.size > limit) {
    throw unsupported("data-too-large", `${source.name} is too large to be read whole.`, {
      expected: `at most ${limit} bytes`,
      found: `${source.size} bytes`,
    });
  }
  return source.read(0, source.size);
}

function gunzip(bytes: Uint8Array, name: string): Uint8Array {
  // The last four bytes of gzip are the length of the content: a bound before anything is allocated.
  const length =
    bytes.byteLength < 18 ? 0 : new DataView(bytes.buffer, bytes.byteOffset + bytes.byteLength - 4).getUint32(0, true);
  if (length > WHOLE) throw unsupported("data-too-large", `${name} unpacks to ${length} bytes, more than ${WHOLE}.`);
  try {
    return gunzipSync(bytes, { out: new Uint8Array(length) });
  } catch (cause) {
    throw invalid("data-gzip", `${name} is not a whole gzip file.`, { cause });
  }
}

/** `path` as seen from `base`, unless it is absolute or a URL; "./" and "../" are resolved in the text. */
export function joined(base: string, path: string): string {
  const clean = path.replaceAll("\\", "/");
  if (/^(?:[a-z][a-z0-9+.-]+:|\/)/i.test(clean) || /^[a-z]:/i.test(clean)) return clean;
  const parts = base === "" ? [] : base.replace(/\/$/, "").split("/");
  for (const part of clean.split("/")) {
    if (part === "." || part === "") continue;
    const last = parts.at(-1);
    if (part === ".." && last !== undefined && last !== ".." && last !== "" && last !== ".") parts.pop();
    else parts.push(part);
  }
  return parts.join("/") || ".";
}

/** The folder a path stands in; "" for a bare name. */
export function folderOf(path: string): string {
  const clean = path.replaceAll("\\", "/");
  const at = clean.lastIndexOf("/");
  return at < 0 ? "" : clean.slice(0, Math.max(at, 1));
}
