// The ONNX runtime in the page: onnxruntime-web's WASM, and its native WebGPU build when that provider is asked for.

import type { Provider, Runtime } from "../../engine/runtime.js";
import { type OrtModule, ortRuntime } from "../ort-runtime.js";

export interface RuntimeSettings {
  /** Where the .wasm files stand: a URL prefix, or URLs by file name. Default: beside the script. */
  readonly wasmPaths?: string | { readonly wasm?: string; readonly mjs?: string };
}

let settings: RuntimeSettings = {};
let made: Promise<Runtime> | undefined;

/** Before the first session: ONNX Runtime reads its settings once. */
export function configureRuntime(wanted: RuntimeSettings): void {
  settings = wanted;
}

/** Made once. Threads only where the page is cross-origin isolated (COOP and COEP headers). */
export function runtime(): Promise<Runtime> {
  made ??= open();
  return made;
}

/** The same: WASM is what the page runs on unless another provider is asked for. */
export const wasmRuntime = runtime;

async function open(): Promise<Runtime> {
  const plain = await wasmModule();
  return ortRuntime({
    name: "onnxruntime-web",
    version: plain.env.versions.web ?? plain.env.versions.common,
    provider: "wasm",
    acceptsPath: false,
    open: async (provider, { threads }) => {
      const ort = provider === "webgpu" || provider === "webnn" ? await webgpuModule() : plain;
      ort.env.logLevel = "fatal";
      ort.env.wasm.numThreads = crossOriginIsolated ? (threads ?? navigator.hardwareConcurrency) : 1;
      if (settings.wasmPaths !== undefined) ort.env.wasm.wasmPaths = settings.wasmPaths;
      return ort;
    },
    sessionOptions: (provider: Provider) => ({ executionProviders: [provider === "cpu" ? "wasm" : provider] }),
  });
}

const wasmModule = async (): Promise<OrtModule> => import("onnxruntime-web/wasm");
// The build with the native WebGPU provider; the older "all" build fails on a Conv whose weight is computed.
const webgpuModule = async (): Promise<OrtModule> => import("onnxruntime-web/webgpu");
