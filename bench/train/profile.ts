// Our time by operator: ONNX Runtime's profile of the step graph, run by onnxruntime-node itself in this process.

import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { load } from "../../src/load.js";
import { toBytes } from "../../src/onnx/encode.js";
import { withServices } from "../../src/services.js";
import type { Value } from "../../src/tensor/value.js";
import { inRunOrder } from "../../src/train/run-order.js";
import { repository } from "../measured.js";
import { SampleReader } from "./data.js";
import { built } from "./step.js";
import type { Made, Subject } from "./subjects.js";

const WARM = 5;
const STEPS = 15;

interface Event {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: { readonly op_name?: string; readonly node_index?: string; readonly output_type_shape?: unknown };
}

export interface Inside {
  /** Milliseconds of the fastest step, profiled, and those of them in kernels. */
  readonly step: number;
  readonly kernels: number;
}

export function profile(subject: Subject, files: Made, threads: number): Promise<string>;
export function profile(subject: Subject, files: Made, threads: number, brief: true): Promise<Inside>;
export async function profile(subject: Subject, files: Made, threads: number, brief = false): Promise<string | Inside> {
  const prefix = join(repository, "bench/.work/train", `profile-${subject.name}`);
  const data = new SampleReader(files.data);
  const model = await load(files.model);
  const request = { do: "open", ...files, threads, ...subject } as const;
  const made = await withServices(model, { threads }, (services) => built(model, request, data, services));
  const { step } = made;
  const session = await InferenceSession.create(await toBytes(inRunOrder(step.model)), {
    intraOpNumThreads: threads,
    enableMemPattern: false,
    enableProfiling: true,
    profileFilePrefix: prefix,
    logSeverityLevel: 4,
  });
  const state: Record<string, Tensor> = {};
  const spare: Record<string, Tensor> = {};
  for (const slot of step.state) {
    state[slot.input] = tensor(await slot.initial());
    spare[slot.input] = tensor(await slot.initial());
  }
  const walls: number[] = [];
  for (let at = 0; at < WARM + STEPS; at++) {
    const feeds: Record<string, Tensor> = { ...state };
    for (const [name, value] of Object.entries(made.feeds(data.batch(at, subject.batch), at))) {
      feeds[name] = tensor(value);
    }
    const fetches: Record<string, Tensor | null> = { loss: null };
    for (const { input, output } of step.state) fetches[output] = spare[input]!;
    const start = performance.now();
    await session.run(feeds, fetches);
    walls.push(performance.now() - start);
    for (const { input } of step.state) {
      const before = state[input]!;
      state[input] = spare[input]!;
      spare[input] = before;
    }
  }
  await session.endProfiling();
  await session.release();
  const file = (await import("node:fs"))
    .readdirSync(join(repository, "bench/.work/train"))
    .find((name) => name.startsWith(`profile-${subject.name}_`));
  if (file === undefined) throw new Error("ONNX Runtime wrote no profile");
  const path = join(repository, "bench/.work/train", file);
  const events = JSON.parse(readFileSync(path, "utf8")) as Event[];
  rmSync(path);
  const perStep = runs(events).slice(-STEPS);
  const sums = perStep.map((list) => list.reduce((sum, { dur }) => sum + dur, 0) / 1000);
  const timed = walls.slice(-STEPS);
  const best = timed.indexOf(Math.min(...timed));
  if (brief) return { step: timed[best]!, kernels: sums[best]! };
  return report(subject, perStep, timed[best]!, sums[best]!);
}

const tensor = ({ dtype, dims, data }: Value) => new Tensor(dtype as "float32", data as Float32Array, [...dims]);

/** Kernel times, run by run: a run's events stand before the event of the run itself. */
function runs(events: readonly Event[]): Event[][] {
  const all: Event[][] = [];
  let open: Event[] = [];
  for (const event of events) {
    if (event.cat === "Node" && event.name.endsWith("_kernel_time")) open.push(event);
    if (event.cat === "Session" && event.name === "model_run") {
      all.push(open);
      open = [];
    }
  }
  return all;
}

const SHOWN = 40;

function report(subject: Subject, steps: readonly Event[][], wall: number, kernels: number): string {
  const operators = new Map<string, { count: number; time: number }>();
  const nodes = new Map<string, { time: number; shape: string }>();
  for (const list of steps) {
    for (const { name, dur, args } of list) {
      const operator = args?.op_name ?? "?";
      const one = operators.get(operator) ?? { count: 0, time: 0 };
      operators.set(operator, { count: one.count + 1, time: one.time + dur });
      const node = `${operator} ${name.replace(/_kernel_time$/, "")}`;
      const shape = JSON.stringify(args?.output_type_shape ?? "").replaceAll(/[{}"]/g, "");
      nodes.set(node, { time: (nodes.get(node)?.time ?? 0) + dur, shape });
    }
  }
  const total = [...operators.values()].reduce((sum, { time }) => sum + time, 0);
  const ms = (time: number) => (time / 1000 / steps.length).toFixed(3);
  const share = (time: number) => `${((100 * time) / total).toFixed(1)}%`;
  const outside = (100 * (1 - kernels / wall)).toFixed(1);
  return [
    `${subject.title}, batch ${subject.batch}: fastest step ${wall.toFixed(1)} ms, ${kernels.toFixed(1)} of it in kernels (${outside}% outside)`,
    "",
    "| operator | nodes | ms a step | share |\n|---|---|---|---|",
    ...[...operators]
      .sort((a, b) => b[1].time - a[1].time)
      .map(
        ([name, { count, time }]) => `| ${name} | ${Math.round(count / steps.length)} | ${ms(time)} | ${share(time)} |`,
      ),
    "",
    "| node | ms a step | share | result |\n|---|---|---|---|",
    ...[...nodes]
      .sort((a, b) => b[1].time - a[1].time)
      .slice(0, SHOWN)
      .map(([name, { time, shape }]) => `| ${name} | ${ms(time)} | ${share(time)} | ${shape} |`),
    "",
  ].join("\n");
}
