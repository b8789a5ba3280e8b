// An output file that appears whole or not at all: written under a temporary name in the folder of its target, synced,
// then renamed.

import {
  closeSync,
  existsSync,
  fdatasync,
  fsync,
  fsyncSync,
  linkSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  write,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ByteSink, ByteSource } from "../../base/bytes.js";
import { failed, internal } from "../../base/errors.js";
import { fileError } from "./file-errors.js";
import { FileSource } from "./file-source.js";

/** Writes shorter than this are gathered: one call a megabyte instead of one a field. */
const SMALL = 64 * 1024;
const GATHER = 2 ** 20;
/** Copies go through two buffers of this size, one being read while the other is written. Larger was not faster. */
const COPY = 4 * 2 ** 20;
/** The disk is set to work each time this much has been written, so that little is left for the final sync. */
const SYNC_EVERY = 128 * 2 ** 20;

/** Temporary files of this process, taken away when it ends by `process.exit` in the middle. */
const live = new Set<string>();
let watching = false;
let counter = 0;

export class FileSink implements ByteSink {
  private fd: number;
  private readonly temporary: string;
  private readonly gathered = Buffer.allocUnsafeSlow(GATHER);
  private gatheredLength = 0;
  private position = 0;
  private unsynced = 0;
  /** The write or sync that is under way. */
  private pending: Promise<void> = Promise.resolve();
  private syncing: Promise<void> | undefined;
  private buffers: [Buffer, Buffer] | undefined;
  /** Which of the two is read into next. */
  private turn: 0 | 1 = 0;
  private state: "open" | "finished" | "done" = "open";

  constructor(readonly name: string) {
    this.temporary = temporaryName(name);
    try {
      // A file that is replaced hands its permissions on.
      const mode = statSync(name, { throwIfNoEntry: false })?.mode ?? 0o666;
      this.fd = openSync(this.temporary, "wx", mode & 0o777);
    } catch (error) {
      throw fileError(error, existsSync(dirname(name)) ? name : dirname(name), "open");
    }
    live.add(this.temporary);
    if (!watching) process.once("exit", removeAll);
    watching = true;
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.mustBe("open");
    if (bytes.length < SMALL) {
      this.gather(bytes);
      return;
    }
    this.flush();
    // Write-behind: the caller makes the next piece while this one is written.
    await this.pending;
    this.enqueue(this.put(bytes));
  }

  async copyFrom(source: ByteSource, offset: number, length: number): Promise<boolean> {
    this.mustBe("open");
    if (!(source instanceof FileSource)) return false;
    if (length < SMALL) {
      if (this.gatheredLength + length > GATHER) this.flush();
      source.readNow(this.gathered.subarray(this.gatheredLength, this.gatheredLength + length), offset);
      this.gatheredLength += length;
      return true;
    }
    this.flush();
    this.buffers ??= [Buffer.allocUnsafeSlow(COPY), Buffer.allocUnsafeSlow(COPY)];
    for (let at = 0; at < length; ) {
      const piece = this.buffers[this.turn].subarray(0, Math.min(COPY, length - at));
      await source.readInto(piece, offset + at);
      // One write at a time: the other buffer's ends before this one's begins, and so before it is read into again.
      await this.pending;
      this.enqueue(this.put(piece));
      this.turn = this.turn === 0 ? 1 : 0;
      at += piece.length;
    }
    return true;
  }

  async finish(): Promise<void> {
    this.mustBe("open");
    this.flush();
    await this.pending;
    await this.syncing;
    await new Promise<void>((resolve, reject) => {
      fsync(this.fd, (error) => (error ? reject(fileError(error, this.name, "write")) : resolve()));
    });
    this.close();
    this.state = "finished";
  }

  async alias(path: string): Promise<(() => Promise<void>) | undefined> {
    this.mustBe("finished");
    const link = temporaryName(path);
    try {
      linkSync(this.temporary, link);
      renameSync(link, path);
    } catch {
      unlinkQuietly(link);
      return undefined;
    }
    return async () => unlinkQuietly(path);
  }

  async commit(): Promise<void> {
    this.mustBe("finished");
    try {
      renameSync(this.temporary, this.name);
    } catch (error) {
      throw fileError(error, this.name, "rename");
    }
    live.delete(this.temporary);
    this.state = "done";
    syncFolder(dirname(this.name));
  }

  async abort(): Promise<void> {
    if (this.state === "done") return;
    this.state = "done";
    await this.pending.catch(() => undefined);
    await this.syncing?.catch(() => undefined);
    this.close();
    unlinkQuietly(this.temporary);
    live.delete(this.temporary);
  }

  private gather(bytes: Uint8Array): void {
    if (this.gatheredLength + bytes.length > GATHER) this.flush();
    this.gathered.set(bytes, this.gatheredLength);
    this.gatheredLength += bytes.length;
  }

  /** Writes what was gathered, blocking: its place in the file is taken before anything else is queued. */
  private flush(): void {
    const bytes = this.gathered.subarray(0, this.gatheredLength);
    try {
      for (let at = 0; at < bytes.length; ) {
        const count = writeSync(this.fd, bytes, at, bytes.length - at, this.position);
        at += count;
        this.position += count;
      }
    } catch (error) {
      throw fileError(error, this.name, "write");
    }
    this.gatheredLength = 0;
  }

  /** Writes a piece at its place in the file, which is taken at once. */
  private async put(bytes: Uint8Array): Promise<void> {
    const begin = this.position;
    this.position += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      at += await new Promise<number>((resolve, reject) => {
        write(this.fd, bytes, at, bytes.length - at, begin + at, (error, count) =>
          error ? reject(fileError(error, this.name, "write")) : resolve(count),
        );
      });
    }
    this.unsynced += bytes.length;
    if (this.unsynced >= SYNC_EVERY && this.syncing === undefined) this.startSync();
  }

  /** Sets the disk to work without waiting for it; `finish` syncs again, which reports what went wrong. */
  private startSync(): void {
    this.unsynced = 0;
    this.syncing = new Promise((resolve) => {
      fdatasync(this.fd, () => {
        this.syncing = undefined;
        resolve();
      });
    });
  }

  private enqueue(work: Promise<void>): void {
    this.pending = work;
    // Whoever awaits `pending` next gets the error; until then it must not count as unhandled.
    work.catch(() => undefined);
  }

  private close(): void {
    if (this.fd >= 0) closeSync(this.fd);
    this.fd = -1;
  }

  private mustBe(state: "open" | "finished"): void {
    if (this.state !== state) throw internal(`the output ${this.name} is ${this.state}, not ${state}`);
  }
}

/** Hidden, beside the target, and never one that exists. */
function temporaryName(path: string): string {
  for (;;) {
    const name = `.${basename(path).slice(0, 60)}.${process.pid}-${counter++}.pare-tmp`;
    const candidate = join(dirname(path), name);
    if (!existsSync(candidate)) return candidate;
    if (counter > 1e6) throw failed("file-failed", `No temporary name is free beside ${path}.`);
  }
}

function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // It is gone, or the folder is: nothing of ours is left.
  }
}

function removeAll(): void {
  for (const path of live) unlinkQuietly(path);
}

/** Makes a rename durable. Windows and some network file systems cannot; the rename stands all the same. */
function syncFolder(path: string): void {
  try {
    const fd = openSync(path, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Not every file system can sync a folder.
  }
}
