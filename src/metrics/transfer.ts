// Transfer size: what a server that compresses on the way sends. Gzip level 6 and brotli quality 5, streamed.

import type { ByteSource } from "../base/bytes.js";
import { CHUNK } from "../tensor/tensor.js";
import { defineMetric, type MetricContext, type Subject } from "./metric.js";
import { SAMPLE_BYTES, WHOLE_LIMIT } from "./sample-size.js";

const SAMPLES = 64;

export const transfer = defineMetric({
  name: "transfer",
  summary: "bytes sent by a server that compresses: gzip level 6, brotli quality 5",
  unit: "bytes",
  better: "lower",
  needs: "files",
  value: (row) => row.transfer.gzip,
  async measure(subjects, context) {
    const rows = [];
    for (const subject of subjects) rows.push({ transfer: await transferSize(subject, context) });
    return rows;
  },
});

async function transferSize(subject: Subject, context: MetricContext) {
  const { sources: files } = await subject.file();
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const estimated = total > WHOLE_LIMIT;
  const compressed = async (kind: "gzip" | "brotli") => {
    const taken = { bytes: 0 };
    const pieces = estimated ? sampled(files, total, context, taken) : whole(files, context, taken);
    const bytes = await context.compressedSize(kind, pieces);
    if (bytes === undefined) return null;
    return estimated ? Math.round((bytes * total) / taken.bytes) : bytes;
  };
  const [gzip, brotli] = await Promise.all([compressed("gzip"), compressed("brotli")]);
  return { gzip, brotli, ...(estimated ? { estimated } : {}) };
}

async function* whole(files: readonly ByteSource[], { signal }: MetricContext, taken: { bytes: number }) {
  for (const file of files) {
    for (let at = 0; at < file.size; at += CHUNK) {
      signal?.throwIfAborted();
      const piece = await file.read(at, Math.min(CHUNK, file.size - at));
      taken.bytes += piece.byteLength;
      yield piece;
    }
  }
}

/** Evenly spaced over the files laid end to end; a sample ends where its file does. */
async function* sampled(
  files: readonly ByteSource[],
  total: number,
  { signal }: MetricContext,
  taken: { bytes: number },
) {
  for (let index = 0; index < SAMPLES; index++) {
    signal?.throwIfAborted();
    let at = Math.floor(((total - SAMPLE_BYTES) * index) / (SAMPLES - 1));
    for (const file of files) {
      if (at < file.size) {
        const piece = await file.read(at, Math.min(SAMPLE_BYTES, file.size - at));
        taken.bytes += piece.byteLength;
        yield piece;
        break;
      }
      at -= file.size;
    }
  }
}
