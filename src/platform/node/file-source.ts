// Positional reads from an open file. The file stays open while anything refers to the source, so that replacing the
// name on disk (saving over the input) does not change what is read.

import { closeSync, constants, fstatSync, openSync, read, readSync, statSync } from "node:fs";
import type { ByteHandle, ByteSource } from "../../base/bytes.js";
import { failed } from "../../base/errors.js";
import { readPastEnd } from "../http.js";
import { fileError, notAFile } from "./file-errors.js";

/** A read in this thread takes some 5 microseconds where one through the thread pool takes 60. */
const SYNC = 64 * 1024;

/** One call may not ask for 2 GiB or more. */
const MOST = 2 ** 30;

/** Sources are rarely closed by hand: a model has no end that its user declares. */
const forgotten = new FinalizationRegistry<{ fd: number }>((file) => {
  if (file.fd >= 0) closeSync(file.fd);
});

export class FileSource implements ByteSource {
  readonly size: number;
  private readonly file: { fd: number };
  private readonly identity: string;

  constructor(readonly name: string) {
    try {
      // Asked before it is opened: opening a pipe would wait for a writer.
      if (!statSync(name).isFile()) throw notAFile(name);
      const fd = openSync(name, constants.O_RDONLY);
      const stats = fstatSync(fd);
      this.file = { fd };
      this.size = stats.size;
      this.identity = identityOf(stats);
      forgotten.register(this, this.file, this.file);
    } catch (error) {
      throw fileError(error, name, "open");
    }
  }

  /** The path, as long as it still leads to the file that is open here. */
  get handle(): ByteHandle | undefined {
    const stats = statSync(this.name, { throwIfNoEntry: false });
    return stats && identityOf(stats) === this.identity ? { path: this.name } : undefined;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) throw readPastEnd(this, offset, length);
    const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    if (length <= SYNC) this.readNow(bytes, offset);
    else await this.readInto(bytes, offset);
    return bytes;
  }

  /** Fills `into`, blocking: for small reads. */
  readNow(into: Uint8Array, offset: number): void {
    for (let at = 0; at < into.length; ) {
      const count = this.counted(() => readSync(this.file.fd, into, at, into.length - at, offset + at));
      at += count;
    }
  }

  async readInto(into: Uint8Array, offset: number): Promise<void> {
    for (let at = 0; at < into.length; ) {
      const count = await new Promise<number>((resolve, reject) => {
        read(this.file.fd, into, at, Math.min(into.length - at, MOST), offset + at, (error, bytes) =>
          error ? reject(fileError(error, this.name, "read")) : resolve(bytes),
        );
      });
      at += this.counted(() => count);
    }
  }

  async close(): Promise<void> {
    if (this.file.fd < 0) return;
    forgotten.unregister(this.file);
    closeSync(this.file.fd);
    this.file.fd = -1;
  }

  private counted(count: () => number): number {
    let bytes: number;
    try {
      bytes = count();
    } catch (error) {
      throw fileError(error, this.name, "read");
    }
    if (bytes === 0) throw failed("file-changed", `${this.name} became shorter while it was read.`);
    return bytes;
  }
}

const identityOf = (stats: { dev: number; ino: number; size: number; mtimeMs: number }): string =>
  `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeMs}`;
