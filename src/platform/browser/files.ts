// Files in the page: bytes, Blobs and URLs come in, nothing is written to disk.

import { type ByteSink, type ByteSource, bytesSource, type Folder } from "../../base/bytes.js";
import { unsupported } from "../../base/errors.js";
import type { TemporaryFolder } from "../../engine/runtime.js";
import { blobSource } from "../blob.js";
import { besideUrl, openUrl } from "../http.js";

/** A string or URL is taken relative to the page (or worker). */
export async function open(
  input: string | URL | Blob | Uint8Array,
): Promise<{ readonly source: ByteSource; readonly folder?: Folder }> {
  if (input instanceof Uint8Array) return { source: bytesSource(input) };
  if (input instanceof Blob) return { source: blobSource(input) };
  const url = new URL(String(input), location.href).href;
  const get = (at: string, init: { readonly headers: Record<string, string> }) => fetch(at, init);
  return {
    source: await openUrl(url, get),
    folder: { name: url, open: async (place) => openUrl(besideUrl(url, place), get) },
  };
}

export async function create(path: string): Promise<ByteSink> {
  throw unsupported("no-files", `A page cannot write the file ${path}.`, {
    hint: "Use saveBytes(model) and offer the bytes as a download.",
  });
}

export async function makeFolder(path: string): Promise<void> {
  await create(path);
}

/** There are no files to remove. */
export async function remove(): Promise<void> {}

export async function realPath(): Promise<string | undefined> {
  return undefined;
}

export async function list(): Promise<readonly string[] | undefined> {
  return undefined;
}

export async function temporary(): Promise<TemporaryFolder> {
  throw unsupported("no-files", "A page has no temporary files.", {
    hint: "Models that need them (above 2 GiB) are for pare in Node.",
  });
}
