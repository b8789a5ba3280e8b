// One training by pare, driven line by line by bench/train.ts as peer.py is: the same requests, the same answers.
//   npx tsx bench/train/ours.ts     reads requests as JSON lines from stdin, answers each with one JSON line
// The step graph and the resident session are those that `finetune` uses; the loop around them is the bench's own, so that
// batches are ready when a step begins, on both sides.

import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { openResident, type ResidentSession } from "../../src/engine/resident.js";
import { load } from "../../src/load.js";
import { withServices } from "../../src/services.js";
import type { Value } from "../../src/tensor/value.js";
import { inRunOrder } from "../../src/train/run-order.js";
import { SampleReader } from "./data.js";
import { type Built, built, type OpenRequest } from "./step.js";

export type Request =
  | OpenRequest
  | { readonly do: "steps"; readonly from: number; readonly count: number }
  | { readonly do: "gradients"; readonly to: string }
  | { readonly do: "close" };

interface Training {
  readonly built: Built;
  readonly session: ResidentSession;
  readonly data: SampleReader;
  readonly request: OpenRequest;
}

let training: Training | undefined;
// Idle: the code is loaded, ONNX Runtime too, as the peer has imported PyTorch.
await import("onnxruntime-node");
const idle = status("VmRSS");
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line) as Request))}\n`);
}

async function answer(request: Request): Promise<object> {
  if (request.do === "open") return open(request);
  if (request.do === "close") return { peak: status("VmHWM") };
  if (request.do === "gradients") return gradients(request.to);
  return steps(request.from, request.count);
}

async function open(request: OpenRequest): Promise<object> {
  const began = performance.now();
  const data = new SampleReader(request.data);
  const model = await load(request.model);
  const { session, made } = await withServices(model, { threads: request.threads }, async (services) => {
    const made = await built(model, request, data, services);
    const initial: Record<string, Value> = {};
    for (const slot of made.step.state) initial[slot.input] = await slot.initial();
    const state = made.step.state.map(({ input, output, shape }) => ({ input, output, ...shape }));
    return { made, session: await openResident(inRunOrder(made.step.model), state, initial, services) };
  });
  training = { built: made, session, data, request };
  return { idle, seconds: (performance.now() - began) / 1000, nodes: made.step.model.graph.nodes.length };
}

async function steps(from: number, count: number): Promise<object> {
  const { built, session, data, request } = training!;
  const losses: number[] = [];
  const milliseconds: number[] = [];
  for (let at = from; at < from + count; at++) {
    const feeds = built.feeds(data.batch(at, request.batch), at);
    const start = performance.now();
    const results = await session.run(feeds, ["loss"]);
    session.commit();
    losses.push((results.loss!.data as Float32Array)[0]!);
    milliseconds.push(performance.now() - start);
  }
  return { losses, milliseconds };
}

/** After the first step the momentum is the gradient. */
async function gradients(to: string): Promise<object> {
  const { built, session } = training!;
  const values = built.gradients(await session.read());
  const file = openSync(to, "w");
  const weights: (readonly [string, number])[] = [];
  for (const [name, { data }] of values) {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    writeSync(file, new Uint8Array(buffer, byteOffset, byteLength));
    weights.push([name, (data as Float32Array).length]);
  }
  closeSync(file);
  return { weights };
}

function status(key: string): number {
  const line = readFileSync("/proc/self/status", "utf8").match(new RegExp(`^${key}:\\s+(\\d+)`, "m"));
  return Number(line![1]) * 1024;
}
