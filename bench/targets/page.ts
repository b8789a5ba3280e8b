// What runs in the page: the same timing as in Node, with a build of onnxruntime-web named in the address.

import type { env, InferenceSession } from "onnxruntime-web";
import { type FeedSpec, type Ort, type RunnerOptions, runner, type Timed } from "./runner.js";

export interface PageBench {
  /** What the page has: cross-origin isolation (threads), and a WebGPU adapter by name. */
  about(): Promise<{ readonly isolated: boolean; readonly adapter: string | null; readonly float16: boolean }>;
  open(url: string, feeds: readonly FeedSpec[], options: PageOptions): Promise<readonly number[]>;
  form(url: string): Promise<Timed>;
  /** Makes a session that says to the console on which provider each node is placed. */
  place(url: string): Promise<void>;
}

export interface PageOptions extends RunnerOptions {
  readonly build: "wasm" | "webgpu";
  readonly threads: number;
}

interface Gpu {
  requestAdapter(): Promise<{
    readonly info: { readonly vendor: string; readonly architecture: string; readonly description: string };
    readonly features: ReadonlySet<string>;
  } | null>;
}

let current: ReturnType<typeof runner> | undefined;
let ort: (Ort & { readonly env: typeof env }) | undefined;
let session: InferenceSession.SessionOptions = {};

const bytes = async (url: string) => new Uint8Array(await (await fetch(url)).arrayBuffer());

const bench: PageBench = {
  async about() {
    const gpu = (globalThis as { navigator?: { gpu?: Gpu } }).navigator?.gpu;
    const adapter = await gpu?.requestAdapter().catch(() => null);
    const info = adapter?.info;
    const name = info ? [info.vendor, info.architecture, info.description].filter(Boolean).join(" ") : null;
    const isolated = (globalThis as { crossOriginIsolated?: boolean }).crossOriginIsolated === true;
    return { isolated, adapter: name, float16: adapter?.features.has("shader-f16") ?? false };
  },
  async open(url, feeds, options) {
    const address = `/ort/ort.${options.build}.min.mjs`;
    ort = (await import(address)) as Ort & { readonly env: typeof env };
    ort.env.wasm.numThreads = options.threads;
    session = options.session;
    current = runner(ort, options);
    return current.open(await bytes(url), feeds);
  },
  async form(url) {
    return current!.form(await bytes(url));
  },
  async place(url) {
    const verbose = { ...session, logSeverityLevel: 0 as const };
    const placed = await ort!.InferenceSession.create(await bytes(url), verbose);
    await placed.release();
  },
};

Object.assign(globalThis, { bench });
