// Files in Node: what `load` opens, what `save` creates, and temporary folders.

import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { type ByteSink, type ByteSource, bytesSource, type Folder } from "../../base/bytes.js";
import { failed, unsupported } from "../../base/errors.js";
import type { TemporaryFolder } from "../../engine/runtime.js";
import { blobSource } from "../blob.js";
import { besideUrl, openUrl } from "../http.js";
import { fileError } from "./file-errors.js";
import { FileSink } from "./file-sink.js";
import { FileSource } from "./file-source.js";
import { folderOf } from "./folder.js";

interface Opened {
  readonly source: ByteSource;
  readonly folder?: Folder;
}

export async function open(input: string | URL | Blob | Uint8Array): Promise<Opened> {
  if (input instanceof Uint8Array) return { source: bytesSource(input) };
  if (input instanceof Blob) return { source: blobSource(input) };
  const text = String(input);
  if (/^https?:/i.test(text)) {
    return {
      source: await openUrl(text, fetch),
      folder: { name: text, open: async (location) => openUrl(besideUrl(text, location), fetch) },
    };
  }
  const path = toPath(input);
  return { source: new FileSource(path), folder: folderOf(path) };
}

export async function create(path: string): Promise<ByteSink> {
  return new FileSink(toPath(path));
}

export async function makeFolder(path: string): Promise<void> {
  try {
    mkdirSync(toPath(path), { recursive: true });
  } catch (error) {
    throw fileError(error, path, "write");
  }
}

export async function remove(path: string): Promise<void> {
  rmSync(toPath(path), { force: true });
}

export async function realPath(path: string): Promise<string | undefined> {
  try {
    return realpathSync(toPath(path));
  } catch (error) {
    const known = fileError(error, path, "open");
    if (known.code === "file-missing") return undefined;
    throw known;
  }
}

export async function list(path: string): Promise<readonly string[] | undefined> {
  const folder = toPath(path);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const found: string[] = [];
  const walk = (at: string, prefix: string) => {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const full = join(at, entry.name);
      // Links are followed to files, not to folders: a link upwards would never end.
      if (entry.isDirectory()) walk(full, `${prefix}${entry.name}/`);
      else if (entry.isFile() || (entry.isSymbolicLink() && statSync(full, { throwIfNoEntry: false })?.isFile())) {
        found.push(prefix + entry.name);
      }
    }
  };
  try {
    walk(folder, "");
  } catch (error) {
    throw fileError(error, path, "list");
  }
  return found.sort();
}

const folders = new Set<string>();
let watching = false;

export async function temporary(): Promise<TemporaryFolder> {
  let path: string;
  try {
    mkdirSync(tmpdir(), { recursive: true });
    path = mkdtempSync(join(tmpdir(), "pare-"));
  } catch (error) {
    throw fileError(error, tmpdir(), "open");
  }
  folders.add(path);
  if (!watching) process.once("exit", () => folders.forEach(removeFolder));
  watching = true;
  const file = (name: string) => {
    if (basename(name) !== name || name === "" || name === "." || name === "..") {
      throw failed("file-failed", `"${name}" is not a plain file name.`);
    }
    return `${path}${sep}${name}`;
  };
  return {
    path,
    file,
    open: async (name) => new FileSource(file(name)),
    create: async (name) => new FileSink(file(name)),
    remove: async (name) => rmSync(file(name), { force: true }),
    async dispose() {
      removeFolder(path);
      folders.delete(path);
    },
  };
}

const removeFolder = (path: string) => rmSync(path, { recursive: true, force: true });

function toPath(input: string | URL): string {
  const text = String(input);
  if (/^file:/i.test(text)) return fileURLToPath(text);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(text)) {
    throw unsupported("url-scheme", `${text} is neither a path nor a URL that pare reads.`, {
      expected: "a path, or a URL that begins with https: or file:",
    });
  }
  return text;
}
