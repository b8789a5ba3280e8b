// Where bytes come from and go to. Declared here, implemented by `platform/` and by a few in-memory forms below.

/** Random access to immutable bytes: a file handle, a Blob, an ArrayBuffer, an HTTP range. */
export interface ByteSource {
  /** For messages: a path, a URL, "bytes". */
  readonly name: string;
  readonly size: number;
  /**
   * Bytes [offset, offset + length). Throws `invalid("read-past-end")` when the range leaves the source.
   * The result may be a view of shared memory: callers must not write into it.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  /** A structured-cloneable handle from which a worker can read the same bytes itself, where there is one. */
  readonly handle?: ByteHandle | undefined;
  close?(): Promise<void>;
}

/**
 * `identity`: which file stood under `path` when the source was opened (device:inode:size:modified in nanoseconds), so
 * that a worker notices when another one has been renamed over it.
 */
export type ByteHandle = { readonly path: string; readonly identity?: string } | { readonly blob: unknown };

/** The folder a model stands in: opens external data, never outside itself (symbolic links resolved). */
export interface Folder {
  readonly name: string;
  /** `location` is the relative POSIX path of an external_data entry. Throws `invalid("external-path")` when it leaves the folder. */
  open(location: string): Promise<ByteSource>;
}

/** An output file under a temporary name, in the target's own folder until `commit` renames it. */
export interface ByteSink {
  readonly name: string;
  write(bytes: Uint8Array): Promise<void>;
  /**
   * Writes bytes [offset, offset + length) of a source, where that is faster than `read` and `write`. Resolves to false,
   * with nothing written, for a source that it does not know.
   */
  copyFrom?(source: ByteSource, offset: number, length: number): Promise<boolean>;
  /** Flush to disk, close, and keep under the temporary name: the last moment that can fail for want of space. */
  finish(): Promise<void>;
  /**
   * Gives the finished bytes a second name in the same folder, replacing what has it. Resolves to a function that takes
   * the name away again, or to undefined where the file system has no hard links.
   */
  alias?(path: string): Promise<(() => Promise<void>) | undefined>;
  /** Rename to the final name. Only after `finish`. */
  commit(): Promise<void>;
  /** Remove what was written; safe to call at any time, also after a failure; a no-op after `commit`. */
  abort(): Promise<void>;
}

export function bytesSource(bytes: Uint8Array, name = "bytes"): ByteSource {
  // A Buffer of Node is no plain array: its `slice` does not copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    name,
    size: bytes.byteLength,
    read: async (offset, length) => plain.subarray(offset, offset + length),
  };
}
