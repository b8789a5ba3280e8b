// Entry of a kernel worker thread: an entry of its own in the build.

import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import type { ByteHandle } from "../../base/bytes.js";
import { failed, internal } from "../../base/errors.js";
import { bytesOf } from "../../kernels/dispatch.js";
import type { JobSource } from "../../kernels/simd/machine.js";
import { STALE_HANDLE } from "../../kernels/worker-protocol.js";
import { serveKernels } from "../../kernels/worker-serve.js";
import { fileIdentity } from "./file-identity.js";

interface OpenFile {
  readonly descriptor: number;
  readonly identity: string;
}

/** The files last read, oldest first: weights of one model stand in one file, or in a few. */
const files = new Map<string, OpenFile>();
const MOST_FILES = 8;

function fileOf(path: string, wanted: string | undefined): OpenFile {
  // A path can come to stand for another file at any time: by renaming over it, as saving does.
  const now = fileIdentity(statSync(path, { bigint: true }));
  let file = files.get(path);
  if (file && file.identity !== now) {
    closeSync(file.descriptor);
    files.delete(path);
    file = undefined;
  }
  if (!file) {
    const descriptor = openSync(path, "r");
    file = { descriptor, identity: fileIdentity(fstatSync(descriptor, { bigint: true })) };
    files.set(path, file);
    const [oldest] = files;
    if (oldest && files.size > MOST_FILES) {
      closeSync(oldest[1].descriptor);
      files.delete(oldest[0]);
    }
  }
  if (wanted !== undefined && file.identity !== wanted) {
    throw failed(STALE_HANDLE, "The file was replaced or written to since it was opened.", { node: path });
  }
  return file;
}

/** Reads straight into the kernels' memory: the bytes are copied once, by the operating system. */
function open(handle: ByteHandle, offset: number, length: number): JobSource | Promise<JobSource> {
  if ("blob" in handle) return blobSource(handle.blob, offset, length);
  const { path } = handle;
  const { descriptor } = fileOf(path, handle.identity);
  return {
    copy(target, at) {
      for (let done = 0; done < target.byteLength; ) {
        const read = readSync(descriptor, target, done, target.byteLength - done, offset + at + done);
        if (read === 0) throw failed("file-truncated", "The file ended before the weight did.", { node: path });
        done += read;
      }
    },
  };
}

async function blobSource(blob: unknown, offset: number, length: number): Promise<JobSource> {
  if (!(blob instanceof Blob)) throw internal("a handle that is neither a path nor a Blob");
  return bytesOf(new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer()));
}

const port = parentPort;
if (!port) throw internal("the kernel worker must be started as a worker thread");
serveKernels({
  post: (reply, transfer) => port.postMessage(reply, transfer),
  listen: (onRequest) => void port.on("message", onRequest),
  open,
});
