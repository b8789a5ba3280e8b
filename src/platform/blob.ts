// A Blob or File as a source; the same in Node and the page.

import type { ByteSource } from "../base/bytes.js";
import { failed } from "../base/errors.js";
import { readPastEnd } from "./http.js";

export function blobSource(blob: Blob): ByteSource {
  const source: ByteSource = {
    name: "name" in blob && typeof blob.name === "string" && blob.name !== "" ? blob.name : "blob",
    size: blob.size,
    handle: { blob },
    async read(offset, length) {
      if (!(offset >= 0 && length >= 0 && offset + length <= blob.size)) throw readPastEnd(source, offset, length);
      try {
        return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
      } catch (cause) {
        // Browsers take a File back when it changes on disk after it was chosen.
        throw failed("file-changed", `${source.name} can no longer be read.`, {
          cause,
          hint: "Choose the file again.",
        });
      }
    },
  };
  return source;
}
