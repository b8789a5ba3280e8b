// The machine as a page sees it. A page starts no process, imports no user module, and has no brotli.

import { unsupported } from "../../base/errors.js";
import type { Machine, Serving } from "../platform.js";
import { runtime } from "./runtime.js";

export const now = (): number => performance.now();

export const cores = (): number => navigator.hardwareConcurrency || 1;

/** Chromium tells the machine's memory rounded down, 8 GiB at most; a tab gets 4 GiB of WASM heap at most. */
const deviceMemory = (): number => ((navigator as { deviceMemory?: number }).deviceMemory ?? 4) * 2 ** 30;

/** A page is not told what is free: an estimate, half of what the machine has, within the 4 GiB heap of WASM. */
export const freeMemory = (): number => Math.min(deviceMemory() / 2, 4 * 2 ** 30);

export async function machine(): Promise<Machine> {
  return {
    platform: navigator.userAgent,
    cpu: "unknown",
    cores: cores(),
    memory: deviceMemory(),
    runtime: await runtime().then(
      ({ name, version }) => `${name} ${version}`,
      () => "none",
    ),
  };
}

export async function importModule(path: string): Promise<Record<string, unknown>> {
  throw unsupported("module-in-page", `A page does not import "${path}".`, {
    hint: "Import the module in the page's own code and pass the dataset it makes.",
  });
}

/** Gzip as the browser's own CompressionStream makes it (level 6 in all engines); brotli is not offered. */
export async function compressedSize(
  kind: "gzip" | "brotli",
  pieces: AsyncIterable<Uint8Array>,
): Promise<number | undefined> {
  if (kind === "brotli" || typeof CompressionStream === "undefined") return undefined;
  const { readable, writable } = new CompressionStream("gzip");
  const writer = writable.getWriter();
  const feed = async () => {
    for await (const piece of pieces) await writer.write(piece as Uint8Array<ArrayBuffer>);
    await writer.close();
  };
  const count = async () => {
    let bytes = 0;
    for (const reader = readable.getReader(); ; ) {
      const { done, value } = await reader.read();
      if (done) return bytes;
      bytes += value.byteLength;
    }
  };
  const feeding = feed().catch(async (error: unknown) => {
    await writer.abort(error);
    throw error;
  });
  const [bytes] = await Promise.all([count(), feeding]);
  return bytes;
}

export async function serve(): Promise<Serving | undefined> {
  return undefined;
}
