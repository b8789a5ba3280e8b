// A process of its own that times forms with onnxruntime-node: one that ends the process ends this one only.

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { type FeedSpec, type Ort, type RunnerOptions, runner } from "./runner.js";

export type Request =
  | { readonly do: "open"; readonly path: string; readonly feeds: readonly FeedSpec[]; readonly options: RunnerOptions }
  | { readonly do: "form"; readonly path: string };

/** Milliseconds of processor time of this process: on one thread the time that a run takes, whatever else the machine does. */
const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

let current: ReturnType<typeof runner> | undefined;

async function answer(request: Request): Promise<unknown> {
  const bytes = readFileSync(request.path);
  if (request.do === "form") return current!.form(bytes);
  const clock = request.options.session.intraOpNumThreads === 1 ? processorTime : undefined;
  current = runner(ort as unknown as Ort, request.options, clock);
  return current.open(bytes, request.feeds);
}

process.on("message", async (request: Request) => {
  try {
    process.send!({ result: await answer(request) });
  } catch (error) {
    process.send!({ error: error instanceof Error ? error.message : String(error) });
  }
});
