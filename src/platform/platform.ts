// What differs between Node and the page, in one interface. `#platform` resolves to node.ts or browser.ts.

import type { ByteSink, ByteSource, Folder } from "../base/bytes.js";
import type { RawImage } from "../data/image.js";
import type { Verification } from "../engine/compare.js";
import type { OpenResident } from "../engine/resident.js";
import type { Runtime, SessionOptions, TemporaryFolder } from "../engine/runtime.js";
import type { VerifyRequest } from "../engine/verify-files.js";
import type { KernelPool } from "../kernels/pool.js";
import type { Feeds } from "../tensor/value.js";

export interface Platform {
  readonly name: "node" | "browser";
  /** Opens a path, URL (https or file), Blob or bytes. `folder` where external data may stand beside it. */
  open(input: string | URL | Blob | Uint8Array): Promise<{ readonly source: ByteSource; readonly folder?: Folder }>;
  /** An output file that appears whole or not at all. The page has none: it refuses, `save` gives bytes there. */
  create(path: string): Promise<ByteSink>;
  /** Makes a folder and those around it, unless it is there. The page refuses. */
  makeFolder(path: string): Promise<void>;
  /** Removes a file, if it is there. */
  remove(path: string): Promise<void>;
  /** Resolved path, links followed, for "is this the same file?"; undefined when it does not exist. */
  realPath(path: string): Promise<string | undefined>;
  /** Names of the files under a folder, relative POSIX paths, sorted; undefined when `path` is not a folder. */
  list(path: string): Promise<readonly string[] | undefined>;
  temporary(): Promise<TemporaryFolder>;
  /**
   * The best runtime there is; made once. "wasm": onnxruntime-web's WASM, also in Node, to measure what a page would
   * see; undefined where it cannot be had.
   */
  runtime(): Promise<Runtime>;
  /** Before the first session, in the page: where onnxruntime-web's files are served from. */
  configureRuntime(settings: RuntimeSettings): void;
  wasmRuntime(): Promise<Runtime | undefined>;
  /**
   * Sessions for training. In Node each runs in a thread of its own; in the page in the calling thread. `provider: "wasm"`
   * runs onnxruntime-web in Node too.
   */
  readonly resident: OpenResident;
  kernels(threads?: number): Promise<KernelPool>;
  /** PNG, JPEG, WebP and what else the platform decodes, to 8-bit RGB or RGBA or grey, orientation applied. */
  decodeImage(bytes: Uint8Array): Promise<RawImage>;
  /** Imports a user's data module by path (Node only). */
  importModule(path: string): Promise<Record<string, unknown>>;
  /** Compressed bytes of a stream; brotli is undefined where the platform has none. */
  compressedSize(kind: "gzip" | "brotli", pieces: AsyncIterable<Uint8Array>): Promise<number | undefined>;
  /**
   * Load time, latency and peak memory of a model as a fresh process would serve it. Undefined where no process can be
   * started (the page).
   */
  serve(path: string, feeds: Feeds, options?: SessionOptions): Promise<Serving | undefined>;
  /**
   * Verifies two files in a process of its own: memory is given back whole, and running out of it ends only that process.
   * Undefined in the page.
   */
  readonly verifyApart: ((request: VerifyRequest, signal?: AbortSignal) => Promise<Verification>) | undefined;
  machine(): Promise<Machine>;
  freeMemory(): number;
  cores(): number;
  /** Milliseconds, monotonic. For latency and progress only, never for results. */
  now(): number;
}

export interface RuntimeSettings {
  /** Where the .wasm files stand: a URL prefix, or URLs by file name. Default: beside the script. */
  readonly wasmPaths?: string | { readonly wasm?: string; readonly mjs?: string };
}

export interface Serving {
  /** Milliseconds to make the session. */
  readonly loadMs: number;
  /** Peak resident bytes of the process while it loaded, and in all; the bare process before it loaded is `baseBytes`. */
  readonly peakLoadBytes: number;
  readonly peakBytes: number;
  readonly baseBytes: number;
}

export interface Machine {
  readonly platform: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memory: number;
  readonly runtime: string;
}
