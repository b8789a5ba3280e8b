import { afterAll, describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { loopOptions, spiralCase, spirals } from "../../tests/support/train-case.js";
import type { Value } from "../tensor/value.js";
import type { CheckpointStore } from "./checkpoint.js";
import { train } from "./loop.js";
import type { TrainLogEntry } from "./loop-options.js";
import { readSafetensors } from "./safetensors.js";

const services = engineServices({ threads: 1 });
afterAll(async () => {
  await services.dispose();
});

const bytes = (weights: ReadonlyMap<string, Value>) =>
  Object.fromEntries(
    [...weights].map(([name, { data }]) => [
      name,
      Buffer.from(new Float32Array(data as Float32Array).buffer).toString("base64"),
    ]),
  );
const timeless = (log: readonly TrainLogEntry[]) =>
  log.map(({ samplesPerSecond: _, secondsLeft: __, ...rest }) => rest);
const memory = (): CheckpointStore & { bytes: Uint8Array | undefined; written: number } => ({
  name: "run.ckpt",
  bytes: undefined,
  written: 0,
  async read() {
    return this.bytes;
  },
  async write(file) {
    this.bytes = file;
    this.written++;
  },
});

test("learns, says how it goes, keeps what was best on held-out data, and gives the same bytes again", async () => {
  const { step } = await spiralCase();
  const data = { train: spirals(), held: spirals({ seed: 6, size: 30 }) };
  const lines: TrainLogEntry[] = [];
  const first = await train(step, data, loopOptions({ epochs: 8 }), services, (line) => lines.push(line));
  expect(first.log).toEqual(lines);
  expect(lines).toHaveLength(96);
  expect(lines.map(({ step: number }) => number)).toEqual(Array.from({ length: 96 }, (_, i) => i + 1));
  expect(lines.at(-1)).toMatchObject({ step: 96, steps: 96, epoch: 8, lr: 0.02, secondsLeft: 0 });
  const looks = lines.flatMap(({ held }) => held ?? []);
  expect(looks).toHaveLength(8);
  expect(looks.at(-1)!.metric!.value).toBeGreaterThan(0.9);
  expect(first.best!.held).toMatchObject({ samples: 30, metric: { name: "top-1" } });
  expect(first.best!.held.metric!.value).toBe(Math.max(...looks.map(({ metric }) => metric!.value)));
  const again = await train(step, data, loopOptions({ epochs: 8 }), services);
  expect(bytes(again.weights)).toEqual(bytes(first.weights));
  expect(timeless(again.log)).toEqual(timeless(first.log));
  const other = await train(step, data, loopOptions({ epochs: 1, seed: 4 }), services);
  expect(other.log[0]!.loss).not.toBe(first.log[0]!.loss);
});

describe("batches", () => {
  const losses = async (data: ReturnType<typeof spirals>, more = {}, step = undefined as never) => {
    const { step: graph } = step ?? (await spiralCase());
    return (await train(graph, { train: data }, loopOptions(more), services)).log.map(({ loss }) => loss);
  };

  test("samples without an index go through memory, in the same order; a larger set through a shuffle buffer", async () => {
    const indexed = await losses(spirals({ size: 40 }));
    expect(await losses(spirals({ size: 40, indexed: false }))).toEqual(indexed);
    // 8 bytes a sample; a quarter of the memory holds 10.
    const { step } = await spiralCase();
    const small = { ...services, memory: 4 * 8 * 10 };
    const data = { train: spirals({ size: 40, indexed: false }) };
    const streamed = await train(step, data, loopOptions({ epochs: 2 }), small);
    expect(streamed.notes).toMatchObject([{ code: "shuffle-buffer" }]);
    expect(streamed.log).toHaveLength(10);
    expect(streamed.log.slice(0, 5).map(({ loss }) => loss)).not.toEqual(indexed);
    const again = await train(step, data, loopOptions({ epochs: 2 }), small);
    expect(timeless(again.log)).toEqual(timeless(streamed.log));
    // A run that goes on reads the stream up to where it was.
    const store = memory();
    const stop = new AbortController();
    const options = loopOptions({ epochs: 2, checkpoint: store });
    const stopped = train(step, data, options, { ...small, signal: stop.signal }, ({ step: number }) => {
      if (number === 7) stop.abort(new Error("Ctrl-C"));
    });
    await expect(stopped).rejects.toMatchObject({ code: "training-stopped" });
    const resumed = await train(step, data, { ...options, resume: true }, small);
    expect(timeless(resumed.log)).toEqual(timeless(streamed.log));
    expect(bytes(resumed.weights)).toEqual(bytes(streamed.weights));
  });

  test("the last incomplete batch is dropped, or padded with weight 0", async () => {
    expect(await losses(spirals({ size: 20 }))).toHaveLength(2);
    const padded = await losses(spirals({ size: 20 }), { lastBatch: "pad" });
    expect(padded).toHaveLength(3);
    // Four samples and four that do not count learn what a batch of the four does.
    const { step } = await spiralCase({}, 4);
    const alone = await train(step, { train: spirals({ size: 4 }) }, loopOptions({ steps: 5 }), services);
    const { step: larger } = await spiralCase({}, 8);
    const filled = await train(
      larger,
      { train: spirals({ size: 4 }) },
      loopOptions({ steps: 5, lastBatch: "pad" }),
      services,
    );
    filled.log.forEach(({ loss }, i) => {
      expect(loss).toBeCloseTo(alone.log[i]!.loss, 5);
    });
  });

  test("what cannot be a batch is refused", async () => {
    await expect(losses(spirals({ size: 7 }))).rejects.toMatchObject({ code: "data-too-small", found: "7" });
    await expect(losses(spirals({ size: 0 }))).rejects.toMatchObject({ code: "data-empty" });
    const odd = (index: number, dims: number[]) =>
      spirals({
        change: (sample, at) =>
          at === index
            ? { ...sample, feeds: { x: { dtype: "float32", dims, data: new Float32Array(dims[0]! * dims[1]!) } } }
            : sample,
      });
    await expect(losses(odd(3, [1, 5]))).rejects.toMatchObject({
      code: "data-shape",
      node: expect.stringContaining("point"),
      hint: expect.stringContaining('"pad": true'),
    });
    const labelled = spirals({ change: (sample, at) => (at === 5 ? { ...sample, label: 3 } : sample) });
    await expect(losses(labelled)).rejects.toMatchObject({ code: "label-range", node: "point 5", found: "3" });
  });

  test("four batches of two make the update of one batch of eight", async () => {
    const whole = await train((await spiralCase()).step, { train: spirals() }, loopOptions({ steps: 6 }), services);
    const { step } = await spiralCase({ accumulate: 4 }, 2);
    const parts = await train(step, { train: spirals() }, loopOptions({ steps: 6, accumulate: 4 }), services);
    expect(parts.log).toHaveLength(6);
    parts.log.forEach(({ loss, gradientNorm }, i) => {
      expect(loss).toBeCloseTo(whole.log[i]!.loss, 5);
      expect(gradientNorm).toBeCloseTo(whole.log[i]!.gradientNorm, 4);
    });
  });
});

describe("stopping", () => {
  test("patience ends it, and the weights are the best ones", async () => {
    const { step } = await spiralCase({ optimizer: { name: "sgd" } });
    const data = { train: spirals(), held: spirals({ seed: 6, size: 30 }) };
    // So large a rate that nothing gets better for long.
    const options = loopOptions({ epochs: 50, lr: 30, evaluateEvery: 2, patience: 3 });
    const { stopped, log, best, weights } = await train(step, data, options, services);
    expect(stopped).toBe("patience");
    const looks = log.filter(({ held }) => held);
    expect(looks.slice(-3).every(({ held }) => !held!.best)).toBe(true);
    expect(looks.findLast(({ held }) => held!.best)!.step).toBe(best!.step);
    const until = await train(
      step,
      { train: spirals() },
      loopOptions({ ...options, epochs: undefined, steps: best!.step }),
      services,
    );
    expect(bytes(until.weights)).toEqual(bytes(weights));
  });

  test("resuming gives the bytes of a run that was never stopped; a signal writes what is reached", async () => {
    const { step } = await spiralCase({ average: 0.9, dropout: { middle: 0.3 }, accumulate: 2 });
    const data = { train: spirals(), held: spirals({ seed: 6, size: 30 }) };
    const base = loopOptions({ steps: 20, accumulate: 2, evaluateEvery: 4, schedule: { name: "cosine", warmup: 4 } });
    const whole = await train(step, data, base, services);
    const store = memory();
    const stop = new AbortController();
    const stopped = train(
      step,
      data,
      { ...base, checkpoint: store },
      { ...services, signal: stop.signal },
      ({ step: number }) => {
        if (number === 10) stop.abort(new Error("Ctrl-C"));
      },
    );
    await expect(stopped).rejects.toMatchObject({
      code: "training-stopped",
      message: expect.stringContaining("10 of 20 steps; run.ckpt"),
      hint: expect.stringContaining("--resume"),
    });
    const rest: TrainLogEntry[] = [];
    const resumed = await train(step, data, { ...base, checkpoint: store, resume: true }, services, (line) =>
      rest.push(line),
    );
    expect(rest.map(({ step: number }) => number)).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    expect(timeless(resumed.log)).toEqual(timeless(whole.log));
    expect(bytes(resumed.weights)).toEqual(bytes(whole.weights));
    expect(resumed.best).toEqual(whole.best);
    // A run that has ended gives its result again.
    const ended = await train(step, data, { ...base, checkpoint: store, resume: true }, services);
    expect(bytes(ended.weights)).toEqual(bytes(whole.weights));
    const nowhere = train(step, data, base, { ...services, signal: AbortSignal.abort(new Error("Ctrl-C")) });
    await expect(nowhere).rejects.toThrow("Ctrl-C");
  });

  test("a checkpoint of something else is refused by what differs", async () => {
    const { step } = await spiralCase();
    const data = { train: spirals() };
    const store = memory();
    const again = (graph: typeof step, more = {}) =>
      train(graph, data, loopOptions({ steps: 2, checkpoint: store, resume: true, ...more }), services);
    await expect(again(step)).rejects.toMatchObject({ code: "checkpoint-missing", node: "run.ckpt" });
    await train(step, data, loopOptions({ steps: 2, checkpoint: store, settings: { precision: "float32" } }), services);
    const settings = { precision: "float32" };
    await expect(again(step, { steps: 3, settings })).rejects.toMatchObject({
      code: "checkpoint-other",
      message: expect.stringContaining("steps differ"),
      expected: "steps 2",
      found: "steps 3",
    });
    await expect(again(step, { settings: { precision: "float16" } })).rejects.toThrow("precision differ");
    await expect(again((await spiralCase({}, 8, 2)).step, { settings })).rejects.toThrow("weights at the start differ");
    const clipped = (await spiralCase({ clipNorm: 1 })).step;
    await expect(again(clipped, { settings })).rejects.toThrow("the model or its step differs");
    store.bytes = store.bytes!.slice(0, -1);
    await expect(again(step, { settings })).rejects.toMatchObject({ code: "checkpoint-damaged" });
    store.bytes = new Uint8Array(20).fill(255);
    await expect(again(step, { settings })).rejects.toMatchObject({ code: "checkpoint-damaged" });
  });
});

describe("numbers that are not finite", () => {
  test("the input that holds them is named, and nothing is kept", async () => {
    const { step } = await spiralCase();
    const change = (sample: ReturnType<typeof Object>, at: number) =>
      at === 17
        ? { ...sample, feeds: { x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, Number.NaN) } } }
        : sample;
    const lines: TrainLogEntry[] = [];
    const run = train(step, { train: spirals({ change }) }, loopOptions(), services, (line) => lines.push(line));
    await expect(run).rejects.toMatchObject({
      code: "training-nan",
      node: "x",
      found: expect.stringMatching(/^NaN in 1 of its 16/),
    });
    expect(lines.length).toBeLessThan(12);
  });

  test("the first node that makes them is named", async () => {
    const { step } = await spiralCase();
    // The first update makes weights of 1e38: sums over sixteen of them are infinite.
    const run = train(step, { train: spirals() }, loopOptions({ lr: 1e38 }), services);
    await expect(run).rejects.toMatchObject({ code: "training-nan", node: expect.stringMatching(/^last \(/) });
    const untraced = train(step, { train: spirals() }, loopOptions({ lr: 1e38, findNan: false }), services);
    await expect(untraced).rejects.toMatchObject({ code: "training-nan", node: undefined });
  });

  test("an overflow of the loss scale skips the step and halves it, until it fits", async () => {
    const { step } = await spiralCase({ scaling: true });
    const scaling = { constant: false, initial: 2 ** 70, interval: 4, min: 1, max: 2 ** 70 };
    const run = await train(step, { train: spirals() }, loopOptions({ epochs: 3, scaling }), services);
    const first = run.log.findIndex(({ skipped }) => !skipped);
    expect(first).toBeGreaterThan(0);
    run.log.slice(0, first + 1).forEach(({ lossScale }, i) => {
      expect(lossScale).toBe(2 ** (70 - i));
    });
    expect(run.skipped).toBe(run.log.filter(({ skipped }) => skipped).length);
    expect(run.log.at(-1)!.loss).toBeLessThan(run.log[0]!.loss);
    // It grows again: after four good steps in a row.
    expect(run.log[first + 4]!.lossScale).toBe(2 * run.log[first]!.lossScale!);
    // A step that was skipped leaves everything as it was.
    const store = memory();
    const once = loopOptions({ steps: 2, scaling, checkpoint: store });
    await train(step, { train: spirals() }, once, services);
    const { values } = readSafetensors(store.bytes!, "run.ckpt");
    for (const slot of step.state) expect(values[`state/${slot.input}`], slot.input).toEqual(await slot.initial());
    const stuck = { ...scaling, constant: true };
    await expect(
      train(step, { train: spirals() }, loopOptions({ epochs: 9, scaling: stuck }), services),
    ).rejects.toMatchObject({
      code: "training-nan",
      message: expect.stringContaining("40 times in a row"),
    });
  });
});
