// A process that scores models on stored samples and times them, by onnxruntime-node itself on the file as it stands.
//   tsx score.ts <request as JSON>      prints the answer as one line of JSON

import * as ort from "onnxruntime-node";
import { opened, type Store, type StoredSample } from "./dump.js";

export interface ScoreRequest {
  readonly float: string;
  readonly files: readonly string[];
  /** Folder of stored samples by purpose. */
  readonly folders: Readonly<Record<string, string>>;
  readonly metric: "top-1" | "perplexity";
  readonly latencyMs: number;
}

export interface Outcome {
  /** top-1: 0 or 1 a sample, as a string of digits. */
  readonly right?: string;
  /** perplexity: mean loss and tokens of each document. */
  readonly loss?: readonly number[];
  readonly items?: readonly number[];
  /** Mean divergence of the softmax from that of the float model, in nats a row. */
  readonly divergence: number;
  /** Share of rows whose highest class is the float model's. */
  readonly agreement: number;
}

export interface Scored {
  readonly failed?: string;
  readonly outcomes?: Readonly<Record<string, Outcome>>;
  readonly latency?: { readonly ratio: number; readonly low: number; readonly high: number; readonly floatMs: number };
}

const options: ort.InferenceSession.SessionOptions = {
  executionProviders: ["cpu"],
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
};

type Session = ort.InferenceSession;

class Tally {
  right = "";
  readonly loss: number[] = [];
  readonly items: number[] = [];
  divergence = 0;
  agree = 0;
  rows = 0;

  add(float: Rows, own: Rows, label: StoredSample["label"]): void {
    const { width, rows } = float;
    let loss = 0;
    let items = 0;
    for (let row = 0; row < rows; row++) {
      const [p, q] = [logSoftmax(float, row), logSoftmax(own, row)];
      let divergence = 0;
      for (let i = 0; i < width; i++) divergence += Math.exp(p[i]!) * (p[i]! - q[i]!);
      this.divergence += divergence;
      const best = argmax(own.data, row * width, width);
      this.agree += Number(best === argmax(float.data, row * width, width));
      this.rows++;
      if (typeof label === "number") this.right += best === label ? "1" : "0";
      else if (label !== undefined && label[row]! >= 0) {
        loss -= q[label[row]!]!;
        items++;
      }
    }
    if (items > 0) {
      this.loss.push(loss / items);
      this.items.push(items);
    }
  }

  outcome(): Outcome {
    return {
      ...(this.right && { right: this.right }),
      ...(this.items.length > 0 && { loss: this.loss, items: this.items }),
      divergence: this.divergence / this.rows,
      agreement: this.agree / this.rows,
    };
  }
}

interface Rows {
  readonly data: Float32Array;
  readonly rows: number;
  readonly width: number;
}

async function main(request: ScoreRequest): Promise<Record<string, Scored>> {
  const float = await ort.InferenceSession.create(request.float, options);
  const sessions = new Map<string, Session>();
  const found: Record<string, Scored> = {};
  for (const file of request.files) {
    try {
      sessions.set(file, await ort.InferenceSession.create(file, options));
    } catch (error) {
      const text = error instanceof Error ? error.message.split("\n")[0]! : String(error);
      // Where the file stands on this machine is nobody's business.
      found[file] = { failed: text.replaceAll(/\/\S*\//g, "") };
    }
  }
  const outcomes = new Map([...sessions.keys()].map((file) => [file, {} as Record<string, Outcome>]));
  for (const [purpose, folder] of Object.entries(request.folders)) {
    const store = opened(folder);
    const tallies = new Map([...sessions.keys()].map((file) => [file, new Tally()]));
    for (const sample of store.samples) {
      const feeds = feedsOf(store, sample);
      const expected = rowsOf(float, await float.run(feeds));
      for (const [file, session] of sessions) {
        tallies.get(file)!.add(expected, rowsOf(session, await session.run(feeds)), sample.label);
      }
    }
    for (const [file, tally] of tallies) outcomes.get(file)![purpose] = tally.outcome();
    store.close();
  }
  const store = opened(Object.values(request.folders)[0]!);
  const feeds = feedsOf(store, store.samples[0]!);
  for (const [file, session] of sessions) {
    found[file] = { outcomes: outcomes.get(file)!, latency: await timed(float, session, feeds, request.latencyMs) };
  }
  return found;
}

function feedsOf(store: Store, { feeds }: StoredSample): Record<string, ort.Tensor> {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      new ort.Tensor(value.dtype as "float32", store.read(value) as Float32Array, value.dims),
    ]),
  );
}

function rowsOf(session: Session, outputs: ort.InferenceSession.OnnxValueMapType): Rows {
  const { data, dims } = outputs[session.outputNames[0]!] as ort.Tensor;
  const width = dims.at(-1)!;
  return { data: data as Float32Array, width, rows: (data as Float32Array).length / width };
}

/** Of logits; outputs that are probabilities already are taken as they are. */
function logSoftmax({ data, width }: Rows, row: number): Float64Array {
  const own = data.subarray(row * width, (row + 1) * width);
  let [sum, least, top] = [0, 0, Number.NEGATIVE_INFINITY];
  for (const x of own) {
    sum += x;
    least = Math.min(least, x);
    top = Math.max(top, x);
  }
  // Float32 sums of what a quantized Softmax gives are not quite 1.
  if (least >= 0 && Math.abs(sum - 1) < 0.05) return Float64Array.from(own, (x) => Math.log(Math.max(x / sum, 1e-6)));
  let total = 0;
  for (const x of own) total += Math.exp(x - top);
  const log = top + Math.log(total);
  return Float64Array.from(own, (x) => x - log);
}

function argmax(data: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let i = 1; i < width; i++) if (data[start + i]! > data[start + best]!) best = i;
  return best;
}

/** Float and the form in turn on one sample, by processor time, which other work on the machine hardly moves. */
async function timed(float: Session, own: Session, feeds: Record<string, ort.Tensor>, budget: number) {
  const once = async (session: Session, times: number) => {
    const before = process.cpuUsage();
    for (let at = 0; at < times; at++) await session.run(feeds);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000 / times;
  };
  await once(float, 3);
  await once(own, 3);
  // Runs of one round: 4 milliseconds of them, for the clock's sake.
  const times = (ms: number) => Math.max(1, Math.min(100, Math.round(4 / Math.max(ms, 0.04))));
  const [floatTimes, ownTimes] = [times(await once(float, 10)), times(await once(own, 10))];
  const floats = [await once(float, floatTimes)];
  const ratios: number[] = [];
  const start = performance.now();
  while (ratios.length < 9 || (performance.now() - start < budget && ratios.length < 101)) {
    const ms = await once(own, ownTimes);
    floats.push(await once(float, floatTimes));
    ratios.push(ms / ((floats.at(-1)! + floats.at(-2)!) / 2));
  }
  return {
    ratio: quantile(ratios, 0.5),
    low: quantile(ratios, 0.25),
    high: quantile(ratios, 0.75),
    floatMs: quantile(floats, 0.5),
  };
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round((sorted.length - 1) * part)]!;
}

process.stdout.write(`${JSON.stringify(await main(JSON.parse(process.argv[2]!) as ScoreRequest))}\n`);
