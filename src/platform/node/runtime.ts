// The ONNX runtime in Node: onnxruntime-node, and where it is missing onnxruntime-web's WASM. Both are loaded late.

import { availableParallelism } from "node:os";
import { warning } from "../../base/note.js";
import type { Provider, Runtime } from "../../engine/runtime.js";
import { type Binding, type OrtModule, ortRuntime } from "../ort-runtime.js";

let made: Promise<Runtime> | undefined;

/**
 * onnxruntime-node, or WASM in Node where it is not installed or does not load; then `fallback` says so.
 * The environment variable PARE_RUNTIME=wasm forces WASM (for tests). Made once.
 */
export function runtime(): Promise<Runtime> {
  made ??= openRuntime(process.env.PARE_RUNTIME === "wasm" ? "wasm" : undefined);
  return made;
}

let madeWasm: Promise<Runtime> | undefined;

/** WASM in Node, as a page would run the model; `runtime()` itself where that is WASM already. Made once. */
export function wasmRuntime(): Promise<Runtime> {
  madeWasm ??= runtime().then((usual) => (usual.provider === "wasm" ? usual : openRuntime("wasm")));
  return madeWasm;
}

/** A runtime of its own choice, not shared. `choice`: "native" throws where onnxruntime-node does not load. */
export const openRuntime = async (choice?: "native" | "wasm"): Promise<Runtime> =>
  ortRuntime(await openBinding(choice));

/** What `openRuntime` makes its sessions with. */
export async function openBinding(choice?: "native" | "wasm"): Promise<Binding> {
  if (choice === "wasm") return wasm("PARE_RUNTIME=wasm asks for it");
  try {
    return native(await import("onnxruntime-node"));
  } catch (error) {
    if (choice === "native") throw error;
    return wasm(`onnxruntime-node does not load (${firstLine(error)})`);
  }
}

function native(module: typeof import("onnxruntime-node")): Binding {
  // onnxruntime-node re-exports onnxruntime-common, as onnxruntime-web does: the same classes and types.
  const ort = (module as { default?: unknown }).default ?? module;
  const { env } = ort as OrtModule;
  env.logLevel = "fatal";
  return {
    name: "onnxruntime-node",
    version: env.versions.node ?? env.versions.common,
    provider: "cpu",
    acceptsPath: true,
    open: async () => ort as OrtModule,
    sessionOptions: (provider, { threads }) => ({
      // Its WASM name is an alias, so that a recipe for the page runs here too.
      executionProviders: [provider === "wasm" ? "cpu" : provider],
      ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    }),
    residence: () => "filled",
  };
}

async function wasm(why: string): Promise<Binding> {
  const ort: OrtModule = await import("onnxruntime-web");
  ort.env.logLevel = "fatal";
  return {
    name: "onnxruntime-web",
    version: ort.env.versions.web ?? ort.env.versions.common,
    provider: "wasm",
    acceptsPath: false,
    fallback: warning(
      "runtime-fallback",
      `Models run on onnxruntime-web's WASM, slower and limited to 4 GiB: ${why}. ` +
        "Remedy: ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node",
    ),
    open: async (_provider, { threads }) => {
      // Takes effect at the first session only: the WASM heap and its threads are made once.
      ort.env.wasm.numThreads = threads ?? Math.min(availableParallelism(), 8);
      return ort;
    },
    sessionOptions: (provider: Provider) => ({ executionProviders: [provider === "cpu" ? "wasm" : provider] }),
    residence: () => "returned",
  };
}

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
