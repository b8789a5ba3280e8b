// A process that runs models in one place: onnxruntime-node's CPU ("cpu") or onnxruntime-web's WASM in Node ("wasm"),
// with one thread. It times forms against float in turn, or loads one model and says what that took.

import { readFileSync, writeFileSync } from "node:fs";
import { type FeedSpec, type Ort, type RunnerOptions, runner } from "../targets/runner.js";

export type Place = "cpu" | "wasm";

export type Request =
  | { readonly do: "open"; readonly path: string; readonly feeds: readonly FeedSpec[]; readonly options: Timing }
  | { readonly do: "form"; readonly path: string }
  | { readonly do: "load"; readonly path: string };

export type Timing = Omit<RunnerOptions, "session">;

export interface Loaded {
  readonly loadMs: number;
  /** Resident bytes at the peak, above what the process held before. */
  readonly peakBytes: number;
}

const place = process.argv[2] as Place;
const session =
  place === "cpu"
    ? { executionProviders: ["cpu"], intraOpNumThreads: 1, interOpNumThreads: 1 }
    : { executionProviders: ["wasm"] };

async function runtime(): Promise<Ort> {
  if (place === "cpu") return (await import("onnxruntime-node")) as unknown as Ort;
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  return ort;
}

/** Milliseconds of processor time of this process: on one thread the time of a run, whatever else the machine does. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let current: ReturnType<typeof runner> | undefined;

async function answer(request: Request): Promise<unknown> {
  if (request.do === "load") return loaded(request.path);
  const bytes = readFileSync(request.path);
  if (request.do === "form") return current!.form(bytes);
  current = runner(await runtime(), { ...request.options, session }, processorTime);
  return current.open(bytes, request.feeds);
}

/** By path where the runtime takes one, as pare opens large models; the WASM module is made before, by a tiny model. */
async function loaded(path: string): Promise<Loaded> {
  const ort = await runtime();
  const create = ort.InferenceSession.create as (source: Uint8Array | string, options: object) => Promise<object>;
  if (place === "wasm") await create(tiny(), session);
  // The high-water mark counts from here.
  writeFileSync("/proc/self/clear_refs", "5");
  const before = process.memoryUsage.rss();
  const start = performance.now();
  const kept = await create(place === "cpu" ? path : readFileSync(path), session);
  const loadMs = performance.now() - start;
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  if (!kept) throw new Error("no session");
  return { loadMs, peakBytes: Number(peak?.[1]) * 1024 - before };
}

/** An Identity of one float, as bytes of protobuf. */
function tiny(): Uint8Array {
  const field = (number: number, bytes: readonly number[]) => [(number << 3) | 2, bytes.length, ...bytes];
  const text = (value: string) => [...new TextEncoder().encode(value)];
  const value = (name: string) => [...field(1, text(name)), ...field(2, field(1, [8, 1, ...field(2, [])]))];
  const node = [...field(1, text("x")), ...field(2, text("y")), ...field(4, text("Identity"))];
  const graph = [...field(1, node), ...field(2, text("g")), ...field(11, value("x")), ...field(12, value("y"))];
  return Uint8Array.from([8, 8, ...field(7, graph), ...field(8, [...field(1, []), 16, 17])]);
}

process.on("message", async (request: Request) => {
  try {
    process.send!({ result: await answer(request) });
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) });
  }
});
