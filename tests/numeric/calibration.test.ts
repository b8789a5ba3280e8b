// Calibration of whole models: what is found, that it does not depend on how the data comes, that memory does not grow with
// it, and that what is kept in a file holds.
// Long because every range method is checked against its own plain definition.

import { describe, expect, test } from "vitest";
import { PareError } from "../../src/base/errors.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { definitions, subgraphs } from "../../src/ir/traverse.js";
import { inlinePool } from "../../src/kernels/inline.js";
import type { KernelPool } from "../../src/kernels/pool.js";
import { type Calibration, type CalibrationOptions, calibrate } from "../../src/quantize/calibration/calibration.js";
import { calibrationText, parseCalibration } from "../../src/quantize/calibration/file.js";
import { modelKey } from "../../src/quantize/calibration/model-key.js";
import { calibrationRanges } from "../../src/quantize/calibration/ranges/index.js";
import { memoryCalibrations } from "../../src/quantize/calibration/store.js";
import { channelStatistics } from "../../src/statistics/channel-statistics.js";
import type { CalibrationStore, StepContext } from "../../src/step/step.js";
import { float32, int64 } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { engineServices } from "../support/engine.js";
import { stepContext } from "../support/step-context.js";
import { zoo } from "../support/zoo.js";

const options: CalibrationOptions = {
  activationRange: "mse",
  activationPercentile: 99.9,
  sigmas: 6,
  momentum: 0.01,
  calibrationSamples: 128,
  activations: "uint8",
  stated: {} as CalibrationOptions["stated"],
};

/** y = relu(x * w), and beside it the softplus of x, whose last bits depend on the number of threads. */
function small(weight = 2): Model {
  const g = graphBuilder();
  g.input("x", "float32", ["n", "m"]);
  g.initializer("w", float32([], [weight]));
  g.node("Mul", ["x", "w"], { outputs: ["product"] });
  g.node("Relu", ["product"], { outputs: ["y"] });
  g.node("Softplus", ["x"], { outputs: ["soft"] });
  g.node("Cast", ["y"], { outputs: ["half"], attributes: { to: 10 } });
  g.node("Cast", ["y"], { outputs: ["wide"], attributes: { to: 11 } });
  g.node("Shape", ["x"], { outputs: ["shape"] });
  g.node("Slice", ["x", "none", "none"], { outputs: ["nothing"] });
  g.initializer("none", int64([1], [0]));
  for (const name of ["y", "soft", "half", "wide", "shape", "nothing"]) g.output(name);
  return g.model();
}

const NAMES = ["x", "y", "soft", "half", "wide"];

/** [rows, columns] numbers, most of them small; by the row's number, so that rows can be cut in any way. */
function rows(first: number, count: number, columns: number): Feeds {
  const at = (row: number, column: number) => ((Math.sin(row * 91.7 + column * 12.9898) * 43758.5453) % 1) ** 3 * 10;
  const data = Float32Array.from({ length: count * columns }, (_, i) =>
    at(first + Math.floor(i / columns), i % columns),
  );
  return { x: { dtype: "float32", dims: [count, columns], data } };
}

/** Without what differs by nature: a mean of sums in another order. */
const ends = ({ values }: Calibration) =>
  [...values].map(([name, { low, high, min, max }]) => [name, low, high, min, max]);

describe("what is found", () => {
  test.each(calibrationRanges.names)("%s: of float values of every type and size", async (activationRange) => {
    // The second sample is of another shape, and large enough for the kernel.
    const context = stepContext([rows(0, 3, 5), rows(3, 40, 300)]);
    const names = [...NAMES, "shape"];
    const { values, notes, data } = await calibrate(small(), names, { ...options, activationRange }, context);
    expect([...values.keys()]).toEqual(NAMES);
    expect(data).toEqual({ name: "listed", synthetic: true, samples: 2 });
    const all = [rows(0, 3, 5), rows(3, 40, 300)].flatMap(({ x }) => [...(x!.data as Float32Array)]);
    for (const name of ["y", "half", "wide"]) {
      const expected = all.map((x) => Math.max(0, 2 * x));
      const { low, high, min, max, mean, deviation } = values.get(name)!;
      const digits = name === "half" ? 1 : 4;
      expect(min).toBeCloseTo(Math.min(...expected), digits);
      expect(max).toBeCloseTo(Math.max(...expected), digits);
      const truth = expected.reduce((sum, one) => sum + one, 0) / expected.length;
      expect(mean).toBeCloseTo(truth, 3);
      const square = expected.reduce((sum, one) => sum + one * one, 0) / expected.length;
      expect(deviation).toBeCloseTo(Math.sqrt(square - truth * truth), 2);
      expect(low).toBeLessThan(high);
    }
    expect(notes.map(({ code, node }) => [code, node])).toEqual([
      ["calibrated", undefined],
      ["calibration-synthetic", undefined],
      ["no-range", "shape"],
    ]);
  });

  test("values that are empty, not finite or inside a subgraph are left out with the reason; unknown ones are refused", async () => {
    const infinite: Feeds = { x: { dtype: "float32", dims: [1, 2], data: Float32Array.from([3e38, 1]) } };
    for (const activationRange of ["mse", "min-max"]) {
      const context = stepContext([rows(0, 1, 4), infinite]);
      const found = await calibrate(small(), ["product", "soft", "nothing"], { ...options, activationRange }, context);
      expect([...found.values.keys()]).toEqual(["soft"]);
      const reasons = new Map(found.notes.map(({ node, text }) => [node, text]));
      expect(reasons.get("product")).toMatch(/NaN or infinity, first in sample 1/);
      expect(reasons.get("nothing")).toMatch(/empty/);
    }
    await expect(calibrate(small(), ["no such"], options, stepContext([rows(0, 1, 4)]))).rejects.toMatchObject({
      code: "calibration-value",
      node: "no such",
    });
    const { model, feeds } = zoo().find(({ name }) => name.startsWith("loop"))!;
    const holder = model.graph.nodes.find((node) => subgraphs(node).length > 0)!;
    const body = subgraphs(holder)[0]!;
    const inside = body.nodes.flatMap(({ outputs }) => outputs).find((name) => !definitions(model.graph).has(name))!;
    const { values, notes } = await calibrate(model, [inside], options, stepContext([feeds]));
    expect(values.size).toBe(0);
    expect(notes.find(({ node }) => node === inside)?.text).toMatch(/inside a subgraph/);
  });

  test.each([Number.NaN, Number.NEGATIVE_INFINITY])(
    "samples that hold %d are refused by input and sample",
    async (odd) => {
      const bad: Feeds = { x: { dtype: "float32", dims: [1, 2], data: Float32Array.from([odd, 1]) } };
      for (const activationRange of ["mse", "min-max"]) {
        const promise = calibrate(
          small(),
          ["x", "y"],
          { ...options, activationRange },
          stepContext([rows(0, 1, 2), bad]),
        );
        await expect(promise).rejects.toMatchObject({
          code: "calibration-input",
          node: "x",
          found: "first in sample 1",
        });
      }
    },
  );
});

describe("whatever way the data comes", () => {
  test.each(["mse", "percentile", "entropy", "min-max"])("%s: in many samples or in one", async (activationRange) => {
    const given = { ...options, activationRange };
    const whole = await calibrate(small(), NAMES, given, stepContext([rows(0, 60, 300)]));
    const sizes = [1, 2, 30, 20, 7];
    const cut = sizes.map((size, at) =>
      rows(
        sizes.slice(0, at).reduce((sum, one) => sum + one, 0),
        size,
        300,
      ),
    );
    expect(ends(await calibrate(small(), NAMES, given, stepContext(cut)))).toEqual(ends(whole));
    expect(ends(await calibrate(small(), NAMES, given, stepContext(cut.toReversed())))).toEqual(ends(whole));
    // In several runs over the data, because all values together are too large for one.
    const context = { ...stepContext(cut), memory: 2 ** 18 };
    expect(ends(await calibrate(small(), NAMES, given, context))).toEqual(ends(whole));
  });

  test.each(["mse", "mean-sigma"])(
    "%s: on any number of threads, because ONNX Runtime is given one",
    async (activationRange) => {
      // Its Softplus differs in the last bit where a value is cut elsewhere, so that more threads could show.
      const found: Calibration[] = [];
      const asked = new Set<number | undefined>();
      for (const threads of [1, 2, 3]) {
        const services = engineServices({ threads });
        const runtime = await services.runtime();
        const watched: typeof runtime = {
          ...runtime,
          createSession(source, session) {
            asked.add(session?.threads);
            return runtime.createSession(source, session);
          },
        };
        const context = { ...stepContext([rows(0, 57, 331)]), ...services, runtime: async () => watched };
        found.push(await calibrate(small(), NAMES, { ...options, activationRange }, context));
        await channelStatistics(small(), [{ name: "soft", axis: 1 }], context);
      }
      expect([...asked]).toEqual([1]);
      expect(found[1]).toEqual(found[0]);
      expect(found[2]).toEqual(found[0]);
    },
  );
});

describe("recurrent state", () => {
  /** next = 0.5 * state + x: with x always 1 it goes from 1 towards 2. */
  function accumulator(): Model {
    const g = graphBuilder();
    g.input("x", "float32", [1, 2]);
    g.input("state", "float32", [1, 2]);
    g.initializer("half", float32([], [0.5]));
    g.node("Mul", ["state", "half"], { outputs: ["kept"] });
    g.node("Add", ["kept", "x"], { outputs: ["stateN"] });
    g.node("Relu", ["stateN"], { outputs: ["y"] });
    g.output("y");
    g.output("stateN");
    return g.model();
  }
  const step = (state: number): Feeds => ({
    x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(1, 1) },
    state: { dtype: "float32", dims: [1, 2], data: Float32Array.of(state, state) },
  });

  test.each(["mse", "min-max"])(
    "%s: that the data leaves at 0 is carried on; one that it brings is not",
    async (activationRange) => {
      const names = ["state", "kept", "y"];
      const given = { ...options, activationRange };
      const maxima = async (states: readonly number[]) => {
        const { values } = await calibrate(accumulator(), names, given, stepContext(states.map(step)));
        return names.map((name) => values.get(name)!.max);
      };
      expect(await maxima([0, 0, 0])).toEqual([1.5, 0.75, 1.75]);
      expect(await maxima([4, 0, 0])).toEqual([4, 2, 3]);
      const channels = await channelStatistics(
        accumulator(),
        [{ name: "y", axis: 1 }],
        stepContext([0, 0, 0].map(step)),
      );
      expect([...channels.get("y")!.max]).toEqual([1.75, 1.75]);
    },
  );
});

describe("memory", () => {
  /** A pool as workers make one: what is handed over is gone here. Counts what has been handed over and is not done. */
  function watched() {
    const inner = inlinePool();
    const seen = { held: 0, peak: 0, given: [] as ArrayBufferLike[] };
    const pool: KernelPool = {
      ...inner,
      async run(name, input, job) {
        if (!("bytes" in input)) throw new Error("bytes are expected");
        seen.given.push(input.bytes.buffer);
        const bytes = structuredClone(input.bytes, { transfer: [input.bytes.buffer as ArrayBuffer] });
        seen.held += bytes.byteLength;
        seen.peak = Math.max(seen.peak, seen.held);
        await new Promise((done) => setTimeout(done, 1));
        const result = await inner.run(name, { bytes }, job);
        seen.held -= bytes.byteLength;
        return result;
      },
    };
    return { pool, seen };
  }

  test("captured values are given away, at most those of two samples at a time, however many there are", async () => {
    const { pool, seen } = watched();
    const count = 12;
    const feeds = Array.from({ length: count }, (_, at) => rows(at * 40, 40, 300));
    const context: StepContext = { ...stepContext(feeds), kernels: async () => pool };
    const { values } = await calibrate(small(), ["x", "y", "soft"], options, context);
    expect(values.size).toBe(3);
    const sample = 3 * 40 * 300 * 4;
    expect(seen.given).toHaveLength(3 * count);
    expect(seen.peak).toBeGreaterThan(0);
    expect(seen.peak).toBeLessThanOrEqual(2 * sample);
    expect(seen.given.every((buffer) => buffer.byteLength === 0)).toBe(true);
    // What the user gave is not taken away.
    expect(feeds.every(({ x }) => (x!.data as Float32Array).length === 40 * 300)).toBe(true);
  });

  test("progress counts samples, and a signal stops the run", async () => {
    const controller = new AbortController();
    const told: number[] = [];
    const feeds = Array.from({ length: 20 }, (_, at) => rows(at, 1, 5));
    for (const activationRange of ["mse", "min-max"]) {
      const context: StepContext = {
        ...stepContext(feeds),
        signal: controller.signal,
        onProgress: ({ task, done, total }) => {
          if (task !== "calibrate") return;
          expect(total).toBe(15);
          told.push(done);
          if (done === 4) controller.abort();
        },
      };
      const promise = calibrate(small(), NAMES, { ...options, activationRange, calibrationSamples: 15 }, context);
      await expect(promise).rejects.toMatchObject({ name: "AbortError" });
    }
    expect(Math.max(...told)).toBeLessThan(8);
  });
});

describe("kept ranges", () => {
  const store = (text?: string): CalibrationStore & { text: string | undefined; writes: number } => ({
    text,
    writes: 0,
    async read() {
      return this.text === undefined ? undefined : parseCalibration(this.text, "ranges.json");
    },
    async write(json) {
      this.text = calibrationText(json);
      this.writes++;
    },
  });
  const context = (calibration: CalibrationStore, feeds = [rows(0, 30, 20)]): StepContext => ({
    ...stepContext(feeds),
    calibration,
  });
  const written = async (names: readonly string[] = NAMES) => {
    const kept = store();
    const found = await calibrate(small(), names, options, context(kept));
    return { kept, found };
  };

  test("are read as they were found, one value a line, without running the data", async () => {
    const { kept, found } = await written([...NAMES, "shape"]);
    expect(kept.text!.split("\n").filter((line) => /^ {4}"y": \{ "low": /.test(line))).toHaveLength(1);
    const again = await calibrate(small(), [...NAMES, "shape"], options, context(kept, []));
    expect(again.values).toEqual(found.values);
    expect(again.data).toEqual(found.data);
    expect(again.notes.map(({ code }) => code)).toEqual(["calibration-reused", "calibration-synthetic", "no-range"]);
    expect(kept.writes).toBe(1);
  });

  test("hold as the user edited them; a line that was taken out is found anew, and the others stay", async () => {
    const { kept, found } = await written();
    const edited = kept
      .text!.replace(/("y": \{ "low": )[^,]+, "high": [^,]+/, '$1-1.5, "high": 2.5')
      .replace(/ {4}"soft".*\n/, "");
    const changed = store(edited);
    const { values } = await calibrate(small(), NAMES, options, context(changed));
    expect(values.get("y")).toMatchObject({ low: -1.5, high: 2.5 });
    expect(values.get("soft")).toEqual(found.values.get("soft"));
    expect([...values.keys()]).toEqual(NAMES);
    expect(changed.writes).toBe(1);
    expect((await calibrate(small(), NAMES, options, context(changed, []))).values).toEqual(values);
  });

  test("of another model, or none at all, are refused with what to do", async () => {
    const { kept } = await written();
    const broken: [string, string | RegExp, string, Partial<PareError>][] = [
      ["no JSON", /\{/, "", { code: "calibration-file" }],
      ["upside down", /("y": \{ "low": )[^,]+/, "$1 99999", { code: "calibration-file", node: "y" }],
      ["not a number", /("y": \{ "low": )[^,]+/, "$1null", { code: "calibration-file", node: "values.y.low" }],
      ["unknown value", '"y"', '"why"', { code: "calibration-file", node: "why" }],
      ["another key", /"model": "/, '"model": "0', { code: "calibration-model" }],
      ["a later format", "calibration 1", "calibration 2", { code: "calibration-file", node: "format" }],
    ];
    for (const [, pattern, replacement, error] of broken) {
      const text = kept.text!.replace(pattern, replacement);
      expect(text).not.toBe(kept.text);
      const found: PareError = await calibrate(small(), NAMES, options, context(store(text))).catch((e) => e);
      expect(found).toBeInstanceOf(PareError);
      expect(found).toMatchObject(error);
      expect(found.hint).toMatch(/made anew/);
    }
    await expect(calibrate(small(3), NAMES, options, context(kept))).rejects.toMatchObject({
      code: "calibration-model",
    });
  });

  test("another range method than that of the file is refused only where it was asked for", async () => {
    const { kept, found } = await written();
    const other = { ...options, activationRange: "min-max" };
    expect((await calibrate(small(), NAMES, other, context(kept, []))).values).toEqual(found.values);
    const stated = { ...other, stated: { ...options.stated, activationRange: "min-max" } };
    await expect(calibrate(small(), NAMES, stated, context(kept))).rejects.toMatchObject({ code: "calibration-range" });
  });

  test("in memory: one for each model and method", async () => {
    const kept = memoryCalibrations();
    const first = await calibrate(small(), NAMES, options, context(kept));
    const other = await calibrate(small(5), NAMES, { ...options, activationRange: "min-max" }, context(kept));
    expect(other.values.get("y")!.max).toBeGreaterThan(first.values.get("y")!.max);
    expect((await calibrate(small(), NAMES, options, context(kept, []))).values).toEqual(first.values);
  });
});

test("the key of a model is of its graph and weights, not of who made it", async () => {
  const key = await modelKey(small());
  expect(await modelKey({ ...small(), producerName: "someone", metadata: new Map([["a", "b"]]) })).toBe(key);
  expect(await modelKey(small(2.0000002))).not.toBe(key);
  const { graph } = small();
  expect(await modelKey({ ...small(), graph: { ...graph, nodes: graph.nodes.slice(1) } })).not.toBe(key);
});
