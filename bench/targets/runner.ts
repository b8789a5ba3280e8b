// Times a form of a model against the float model, in turn: float, form, float, form ... Runs in Node and in a page alike,
// with whichever build of ONNX Runtime it is handed.

import type { InferenceSession, Tensor, TensorConstructor } from "onnxruntime-web";

/** One input, drawn uniformly from [low, high) by a fixed sequence: the same numbers in every place. */
export interface FeedSpec {
  readonly name: string;
  readonly dtype: "float32" | "int64";
  readonly dims: readonly number[];
  readonly low: number;
  readonly high: number;
}

export interface Ort {
  readonly InferenceSession: {
    create(bytes: Uint8Array, options?: InferenceSession.SessionOptions): Promise<InferenceSession>;
  };
  readonly Tensor: TensorConstructor;
}

export interface RunnerOptions {
  readonly session: InferenceSession.SessionOptions;
  /** Milliseconds for the rounds of one form; the least and the most rounds. */
  readonly budgetMs: number;
  readonly rounds: readonly [number, number];
  /** How often each model is loaded; the fastest counts. */
  readonly loads: number;
}

export interface Timed {
  /** Milliseconds of one run: medians. This and the next are missing where no round was asked for. */
  readonly ms?: number;
  readonly floatMs?: number;
  /** Time of the form over the mean of the float runs before and after it: quartiles over the rounds. */
  readonly ratio?: number;
  readonly low?: number;
  readonly high?: number;
  readonly rounds?: number;
  /** The fastest run of the form over the fastest of float: other work on the machine can only raise a time. */
  readonly best?: number;
  /** Milliseconds to make a session from bytes in memory. */
  readonly loadMs: number;
  readonly floatLoadMs: number;
  /** The first output. */
  readonly output: readonly number[];
}

export interface Runner {
  /** Loads the float model; gives its first output. */
  open(bytes: Uint8Array, feeds: readonly FeedSpec[]): Promise<readonly number[]>;
  form(bytes: Uint8Array): Promise<Timed>;
}

/** `clock`: milliseconds; what runs are timed by. Loading and the budget are by the wall clock. */
export function runner(
  ort: Ort,
  { session: options, budgetMs, rounds, loads }: RunnerOptions,
  clock: () => number = () => performance.now(),
): Runner {
  let float: InferenceSession | undefined;
  let floatLoadMs = 0;
  let feeds: Record<string, Tensor> = {};

  async function loaded(bytes: Uint8Array): Promise<readonly [InferenceSession, number]> {
    let fastest = Number.POSITIVE_INFINITY;
    for (let at = 1; ; at++) {
      const start = performance.now();
      const session = await ort.InferenceSession.create(bytes, options);
      fastest = Math.min(fastest, performance.now() - start);
      if (at === loads) return [session, fastest];
      await session.release();
    }
  }
  async function timed(session: InferenceSession, times: number): Promise<number> {
    const start = clock();
    for (let at = 0; at < times; at++) await session.run(feeds);
    return (clock() - start) / times;
  }
  /** Runs in one sample: short ones are repeated, for the clock's sake. */
  const repeats = (ms: number) => Math.max(1, Math.min(50, Math.round(4 / ms)));

  return {
    async open(bytes, specs) {
      feeds = Object.fromEntries(specs.map((spec) => [spec.name, feed(ort, spec)]));
      [float, floatLoadMs] = await loaded(bytes);
      return firstOutput(float, await float.run(feeds));
    },
    async form(bytes) {
      if (float === undefined) throw new Error("open the float model first");
      const [session, loadMs] = await loaded(bytes);
      try {
        const output = firstOutput(session, await session.run(feeds));
        if (rounds[1] === 0) return { loadMs, floatLoadMs, output };
        const [floatTimes, formTimes] = [repeats(await timed(float, 1)), repeats(await timed(session, 1))];
        const before = [await timed(float, floatTimes)];
        const own: number[] = [];
        const start = performance.now();
        for (let round = 0; round < rounds[1]; round++) {
          const spent = performance.now() - start;
          // A form that is many times slower than float needs no many rounds to show it.
          if (round >= rounds[0] && spent > budgetMs) break;
          if (round >= Math.min(3, rounds[0]) && spent > 3 * budgetMs) break;
          own.push(await timed(session, formTimes));
          before.push(await timed(float, floatTimes));
        }
        const ratios = own.map((ms, at) => ms / ((before[at]! + before[at + 1]!) / 2));
        return {
          ms: quantile(own, 0.5),
          floatMs: quantile(before, 0.5),
          ratio: quantile(ratios, 0.5),
          low: quantile(ratios, 0.25),
          high: quantile(ratios, 0.75),
          rounds: own.length,
          best: Math.min(...own) / Math.min(...before),
          loadMs,
          floatLoadMs,
          output,
        };
      } finally {
        await session.release();
      }
    },
  };
}

function firstOutput(session: InferenceSession, outputs: InferenceSession.OnnxValueMapType): number[] {
  const first = outputs[session.outputNames[0]!] as Tensor;
  return Array.from(first.data as Float32Array, Number);
}

function feed(ort: Ort, { name, dtype, dims, low, high }: FeedSpec): Tensor {
  const size = dims.reduce((product, dim) => product * dim, 1);
  let state = 0x9e3779b9;
  for (const character of name) state = Math.imul(state ^ character.charCodeAt(0), 0x01000193) | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return low + ((state >>> 0) / 2 ** 32) * (high - low);
  };
  return dtype === "int64"
    ? new ort.Tensor(
        "int64",
        BigInt64Array.from({ length: size }, () => BigInt(Math.floor(next()))),
        dims,
      )
    : new ort.Tensor("float32", Float32Array.from({ length: size }, next), dims);
}

/** By linear interpolation between neighbours. */
function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  return sorted[below]! + (at - below) * ((sorted[below + 1] ?? sorted[below]!) - sorted[below]!);
}
