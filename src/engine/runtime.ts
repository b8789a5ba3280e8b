// What pare asks of an ONNX runtime. `platform/` implements it over onnxruntime-node and onnxruntime-web.

import type { ByteSink, ByteSource } from "../base/bytes.js";
import type { Note } from "../base/note.js";
import type { DType } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";

/** What an input or output of a session is; a string dimension is symbolic, null unknown. */
export interface PortInfo {
  readonly name: string;
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | null)[] | undefined;
}

export type Provider = "cpu" | "wasm" | "webgpu" | "cuda" | "dml" | "coreml" | "webnn";

export interface SessionOptions {
  readonly provider?: Provider;
  readonly threads?: number;
  /** Graph optimisation in the runtime; default "all". */
  readonly optimize?: "off" | "basic" | "extended" | "all";
  /** Write the graph as the runtime optimised it (onnxruntime-node only). */
  readonly optimizedPath?: string;
  /** Session config entries, e.g. `{ "session.disable_quant_qdq": "1" }`. */
  readonly config?: Readonly<Record<string, string>>;
}

/** Session config under which pairs of QuantizeLinear and DequantizeLinear stay what the file says: nothing is fused around them. */
export const UNFUSED = { "session.disable_quant_qdq": "1" } as const;

/** A model as a runtime takes it. `external` are the side files that inline bytes refer to by location. */
export type SessionSource =
  | { readonly bytes: Uint8Array; readonly external?: readonly { readonly path: string; readonly data: Uint8Array }[] }
  | { readonly path: string };

export interface RuntimeSession {
  readonly inputs: readonly PortInfo[];
  readonly outputs: readonly PortInfo[];
  /** `fetches`: the outputs wanted, default all. Optional and sequence outputs that are not tensors are refused by name. */
  run(feeds: Feeds, fetches?: readonly string[]): Promise<Record<string, Value>>;
  release(): Promise<void>;
}

export interface Runtime {
  /** "onnxruntime-node" or "onnxruntime-web". */
  readonly name: string;
  readonly version: string;
  /** The provider used when none is asked for: "cpu" in Node, "wasm" in the page and in Node without onnxruntime-node. */
  readonly provider: Provider;
  /** Whether sessions can be made from a path (onnxruntime-node): needed above 2 GiB. */
  readonly acceptsPath: boolean;
  /** Set where this is not the runtime one would want: which one it is, why, and how to get the better one. Say it once. */
  readonly fallback?: Note;
  createSession(source: SessionSource, options?: SessionOptions): Promise<RuntimeSession>;
}

/** Temporary files for models that a runtime must read by path; removed on `dispose`. */
export interface TemporaryFolder {
  readonly path: string;
  file(name: string): string;
  open(name: string): Promise<ByteSource>;
  /** A new file in the folder; it appears when the sink commits. */
  create(name: string): Promise<ByteSink>;
  /** Removes one file; no error where there is none. */
  remove(name: string): Promise<void>;
  dispose(): Promise<void>;
}
