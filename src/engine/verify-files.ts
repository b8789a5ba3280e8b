// Verification of two files, as a process of its own does it: the request is plain data, so that it crosses processes.

import type { ByteSource, Folder } from "../base/bytes.js";
import { decode } from "../onnx/decode.js";
import type { Feeds } from "../tensor/value.js";
import { type Verification, type VerifyOptions, verifyModel } from "./compare.js";
import type { EngineServices } from "./session.js";

export interface VerifyRequest {
  /** Paths of the two models. */
  readonly reference: string;
  readonly result: string;
  /** The samples to run on. */
  readonly feeds: readonly Feeds[];
  /** Bytes of memory that may be used: above it the models run in segments. */
  readonly memory?: number | undefined;
  readonly threads?: number | undefined;
  readonly mode?: VerifyOptions["mode"];
  readonly classes?: VerifyOptions["classes"];
}

export type OpenFile = (path: string) => Promise<{ readonly source: ByteSource; readonly folder?: Folder }>;

/** As `verifyModel`; large models are opened from their files, without a copy. */
export async function verifyFiles(
  request: VerifyRequest,
  openFile: OpenFile,
  services: EngineServices,
): Promise<Verification> {
  const { reference, result, feeds, memory, threads, mode = "auto", classes } = request;
  const first = await openFile(reference);
  const second = await openFile(result);
  try {
    return await verifyModel(
      await decode(first.source, first.folder),
      await decode(second.source, second.folder),
      replay(feeds),
      { ...services, memory: memory ?? services.memory, threads: threads ?? services.threads },
      { mode, classes, reference: { path: reference }, result: { path: result } },
    );
  } finally {
    await first.source.close?.();
    await second.source.close?.();
  }
}

async function* replay(feeds: readonly Feeds[]): AsyncIterable<Feeds> {
  yield* feeds;
}
