// Entry of a kernel Web Worker: an entry of its own in the build.

import { internal } from "../../base/errors.js";
import { bytesOf } from "../../kernels/dispatch.js";
import type { WorkerRequest } from "../../kernels/worker-protocol.js";
import { serveKernels } from "../../kernels/worker-serve.js";

const scope = globalThis as unknown as DedicatedWorkerGlobalScope;

serveKernels({
  post: (reply, transfer) => scope.postMessage(reply, transfer),
  listen(onRequest) {
    scope.onmessage = ({ data }: MessageEvent<WorkerRequest>) => onRequest(data);
  },
  async open(handle, offset, length) {
    if (!("blob" in handle) || !(handle.blob instanceof Blob)) throw internal("a Web Worker reads Blobs, not files");
    return bytesOf(new Uint8Array(await handle.blob.slice(offset, offset + length).arrayBuffer()));
  },
});
