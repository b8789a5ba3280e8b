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
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ByteSink, ByteSource } from "../../base/bytes.js";
import { failed, internal } from "../../base/errors.js";
import { fileError } from "./file-errors.js";
import { FileSource } from "./file-source.js";

/**
 * Bytes a call. Measured on 1 GiB, ext4 in a VM, fsync included: 128 and 256 KiB in this thread took 0.9 to 1.3 s where
 * `cp` and `sync` took 1.0 to 1.7 s; from 512 KiB on, and through the thread pool, it took up to four times as much
 * processor time (the buffer leaves the cache, and the kernel makes larger pages for larger writes).
 */
const PIECE = 256 * 1024;
/** After so many bytes other work gets its turn: progress, signals, workers' answers. */
const TURN = 4 * 2 ** 20;
/** The disk is set to work each time this much has been written, so that little is left for the final sync. */
const SYNC_EVERY = 128 * 2 ** 20;

/** Temporary files of this process, taken away when it ends by `process.exit` in the middle. */
const live = new Set<string>();
let watching = false;
let counter = 0;

export class FileSink implements ByteSink {
  private fd: number;
  private readonly temporary: string;
  /** Short writes are gathered here, and copies pass through. */
  private readonly buffer = Buffer.allocUnsafeSlow(PIECE);
  private gathered = 0;
  private position = 0;
  private unsynced = 0;
  private sinceTurn = 0;
  private syncing: Promise<void> | undefined;
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
    if (this.gathered + bytes.length <= PIECE) {
      this.buffer.set(bytes, this.gathered);
      this.gathered += bytes.length;
      return;
    }
    this.flush();
    for (let at = 0; at < bytes.length; at += PIECE) {
      this.put(bytes.subarray(at, at + PIECE));
      await this.turn();
    }
  }

  async copyFrom(source: ByteSource, offset: number, length: number): Promise<boolean> {
    this.mustBe("open");
    if (!(source instanceof FileSource)) return false;
    for (let at = 0; at < length; ) {
      if (this.gathered === PIECE) {
        this.flush();
        await this.turn();
      }
      const count = Math.min(length - at, PIECE - this.gathered);
      source.readNow(this.buffer.subarray(this.gathered, this.gathered + count), offset + at);
      this.gathered += count;
      at += count;
    }
    return true;
  }

  async finish(): Promise<void> {
    this.mustBe("open");
    this.flush();
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
    await this.syncing;
    this.close();
    unlinkQuietly(this.temporary);
    live.delete(this.temporary);
  }

  private flush(): void {
    this.put(this.buffer.subarray(0, this.gathered));
    this.gathered = 0;
  }

  private put(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length; ) {
        const count = writeSync(this.fd, bytes, at, bytes.length - at, this.position);
        at += count;
        this.position += count;
      }
    } catch (error) {
      throw fileError(error, this.name, "write");
    }
    this.sinceTurn += bytes.length;
    this.unsynced += bytes.length;
    if (this.unsynced >= SYNC_EVERY && this.syncing === undefined) this.startSync();
  }

  private async turn(): Promise<void> {
    if (this.sinceTurn < TURN) return;
    this.sinceTurn = 0;
    await new Promise<void>((resolve) => setImmediate(resolve));
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
