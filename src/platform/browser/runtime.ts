// The ONNX runtime in the page: onnxruntime-web's WASM, and its native WebGPU build when that provider is asked for.

import type { OpenResident } from "../../engine/resident.js";
import type { Provider, Runtime } from "../../engine/runtime.js";
import { ortResident } from "../ort-resident.js";
import { type Binding, type OrtModule, ortRuntime } from "../ort-runtime.js";
import type { RuntimeSettings } from "../platform.js";

let settings: RuntimeSettings = {};
let bound: Promise<Binding> | undefined;
let made: Promise<Runtime> | undefined;

/** Before the first session: ONNX Runtime reads its settings once. */
export function configureRuntime(wanted: RuntimeSettings): void {
  settings = wanted;
}

/** Made once. Threads only where the page is cross-origin isolated (COOP and COEP headers). */
export function runtime(): Promise<Runtime> {
  made ??= binding().then(ortRuntime);
  return made;
}

function binding(): Promise<Binding> {
  bound ??= open();
  return bound;
}

/** The same: WASM is what the page runs on unless another provider is asked for. */
export const wasmRuntime = runtime;

/** In this thread: the page runs pare in a worker of its own where it must stay responsive. */
export const resident: OpenResident = async (source, state, initial, options = {}) =>
  ortResident(await binding(), source, state, initial, options);

async function open(): Promise<Binding> {
  const plain = await wasmModule();
  return {
    name: "onnxruntime-web",
    version: plain.env.versions.web ?? plain.env.versions.common,
    provider: "wasm",
    acceptsPath: false,
    open: async (provider, { threads }) => {
      const ort = provider === "webgpu" || provider === "webnn" ? await webgpuModule() : plain;
      ort.env.logLevel = "fatal";
      ort.env.wasm.numThreads = crossOriginIsolated ? (threads ?? navigator.hardwareConcurrency) : 1;
      const wasmPaths = settings.wasmPaths ?? (ort === plain ? ownFiles.wasm() : ownFiles.webgpu());
      if (wasmPaths !== undefined) ort.env.wasm.wasmPaths = wasmPaths;
      return ort;
    },
    sessionOptions: (provider: Provider) => ({ executionProviders: [provider === "cpu" ? "wasm" : provider] }),
    residence: (provider) => (provider === "webgpu" ? "device" : "returned"),
  };
}

const wasmModule = async (): Promise<OrtModule> => import("onnxruntime-web/wasm");
// The build with the native WebGPU provider; the older "all" build fails on a Conv whose weight is computed.
const webgpuModule = async (): Promise<OrtModule> => import("onnxruntime-web/webgpu");

/**
 * The runtime's glue and binary as files of their own. Its single-file build starts its threads from the chunk that a
 * bundler put it in; where that chunk imports the page's own code (Vite 8: the shared `require` shim), every thread runs
 * the page, fails, and the session waits for ever. Bundlers find these names in the package, in this form alone.
 */
const ownFiles = {
  wasm: () =>
    bundled(
      new URL("onnxruntime-web/ort-wasm-simd-threaded.mjs", import.meta.url),
      new URL("onnxruntime-web/ort-wasm-simd-threaded.wasm", import.meta.url),
    ),
  webgpu: () =>
    bundled(
      new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs", import.meta.url),
      new URL("onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm", import.meta.url),
    ),
};

/** Undefined where no bundler replaced the names: then the runtime looks beside its own script, as it does by itself. */
function bundled(mjs: URL, wasm: URL): { mjs: string; wasm: string } | undefined {
  const untouched = [mjs, wasm].some(({ href }) => href.includes("/onnxruntime-web/ort-wasm-"));
  return untouched ? undefined : { mjs: mjs.href, wasm: wasm.href };
}
