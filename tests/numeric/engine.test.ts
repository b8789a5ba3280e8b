// The engine on real models and on the zoo: what is observed, captured and run in segments is what a plain run gives.

import { createHash } from "node:crypto";
import { basename } from "node:path";
import { describe, expect, test } from "vitest";
import { synthetic, syntheticFeeds } from "../../src/data/synthetic.js";
import { capture } from "../../src/engine/capture.js";
import { verifyModel } from "../../src/engine/compare.js";
import { type Binding, bindDims } from "../../src/engine/dims.js";
import { fixDims } from "../../src/engine/fix-dims.js";
import { type Observation, observe } from "../../src/engine/observe.js";
import { run } from "../../src/engine/run.js";
import { runInSegments, segments } from "../../src/engine/segments.js";
import { withSession } from "../../src/engine/session.js";
import { weightBytes } from "../../src/engine/weight-bytes.js";
import type { Model } from "../../src/ir/model.js";
import { byteCount } from "../../src/tensor/dtype.js";
import { random } from "../../src/tensor/random.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { engineServices, loadBytes } from "../support/engine.js";
import { portfolioModels } from "../support/portfolio.js";
import { zoo } from "../support/zoo.js";

const services = engineServices();

interface Case {
  readonly name: string;
  load(): Promise<Model>;
}
const cases: Case[] = [
  ...portfolioModels().map((path) => ({
    name: path.endsWith("/model.onnx") ? path.split("/").at(-2)! : basename(path),
    load: () => loadBytes(path),
  })),
  ...zoo().map(({ name, model }) => ({ name, load: async () => model })),
];

/** Pictures of free size are drawn small. */
const DIMS = { height: 32, width: 32 };
const statedFor = (model: Model) => (bindDims(model).sizes.has("height") ? DIMS : {});

const seen = new Map<() => Promise<Model>, Promise<{ model: Model; observation: Observation }>>();
/** Each model is loaded and observed once. */
function observed(load: () => Promise<Model>) {
  const make = async () => {
    const model = await load();
    const makeFeeds = (binding: Binding) => syntheticFeeds(model, binding, random(7));
    return { model, observation: await observe(model, { dims: statedFor(model), makeFeeds }, services) };
  };
  const known = seen.get(load) ?? make();
  seen.set(load, known);
  return known;
}

async function* once(...feeds: Feeds[]): AsyncIterable<Feeds> {
  yield* feeds;
}

describe.each(cases)("$name", ({ load }) => {
  test("every value is observed as it comes out of a run", async () => {
    const { model, observation: seen } = await observed(load);
    const made = model.graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== "");
    expect(made.filter((name) => !seen.values.has(name))).toEqual([]);

    const outputs = await run(model, seen.feeds, services);
    for (const [name, { dtype, dims }] of Object.entries(outputs))
      expect(seen.values.get(name)).toEqual({ dtype, dims });

    const feedBytes = Object.values(seen.feeds).reduce((sum, { dtype, dims }) => sum + byteCount(dtype, dims), 0);
    expect(seen.peakActivationBytes).toBeGreaterThanOrEqual(feedBytes);
    // Fixed dimensions are those that were observed.
    const fixed = await run(fixDims(model, seen.binding), seen.feeds, services);
    for (const [name, value] of Object.entries(outputs)) near(fixed[name]!, value, name);
    for (const [name, dims] of seen.binding.shapes) expect(seen.feeds[name]!.dims).toEqual(dims);
  });

  test("captured values are those of a plain run, and of the observed shape", async () => {
    const { model, observation } = await observed(load);
    const { feeds, values } = observation;
    const outputs = await run(model, feeds, services, { optimize: "off" });
    const inner = model.graph.nodes.flatMap(({ outputs: made }) => made).filter((name) => name !== "");
    const names = [...new Set([...inner.filter((_, i) => i % 7 === 0), ...Object.keys(outputs)])];
    const found: Record<string, Value> = {};
    // A budget this small makes several batches of names.
    const budget = Math.ceil(names.reduce((sum, name) => sum + bytesOf(values.get(name)!), 0) / 3);
    let records = 0;
    for await (const record of capture(model, names, once(feeds), services, { values, budget, optimize: "off" })) {
      records++;
      Object.assign(found, record);
    }
    expect(records).toBeGreaterThan(names.length > 3 ? 1 : 0);
    expect(Object.keys(found).sort()).toEqual([...names].sort());
    for (const name of names) expect(found[name]).toMatchObject(values.get(name)!);
    for (const [name, value] of Object.entries(outputs)) near(found[name]!, value, name);
  });

  test("segments give what the whole gives", async () => {
    const { model, observation } = await observed(load);
    const { feeds } = observation;
    const names = model.graph.outputs.map(({ name }) => name);
    const budget = Math.ceil(weightBytes(model.graph) / 4);
    const parts = segments(model.graph, names, budget);
    expect(new Set(parts.flatMap(({ nodes }) => nodes)).size).toBe(parts.flatMap(({ nodes }) => nodes).length);
    // A segment above the budget is one that a single node fills.
    for (const { nodes, weightBytes: bytes } of parts) if (bytes > budget) expect(nodes.length).toBe(1);
    const whole = await run(model, feeds, services, { optimize: "off" });
    const [joined] = await runInSegments(model, [feeds], names, services, { budget, session: { optimize: "off" } });
    for (const name of names) near(joined![name]!, whole[name]!, name);
  });

  test("three synthetic samples run, all different, the same at each call", async () => {
    const { model, observation } = await observed(load);
    const { binding } = observation;
    const changed = [...bindDims(model).guessed].filter(([key, { size }]) => (binding.sizes.get(key) ?? size) !== size);
    const dims = { ...statedFor(model), ...Object.fromEntries(changed.map(([key]) => [key, binding.sizes.get(key)!])) };
    const collect = async (seed: number) => {
      const all: Feeds[] = [];
      for await (const { feeds } of synthetic(model, { dims, seed }).samples({ limit: 3 })) all.push(feeds);
      return all;
    };
    const samples = await collect(3);
    const bytes = samples.map(digest);
    expect((await collect(3)).map(digest)).toEqual(bytes);
    expect(new Set([...bytes, ...(await collect(4)).map(digest)]).size).toBe(6);
    await withSession(model, services, {}, async (session) => {
      for (const feeds of samples) {
        for (const [name, { dtype, data }] of Object.entries(await session.run(feeds))) {
          if (dtype !== "float32") continue;
          expect(
            (data as Float32Array).findIndex((x) => !Number.isFinite(x)),
            name,
          ).toBe(-1);
        }
      }
    });
  });
});

test.each(cases.filter(({ name }) => /agnews|resnet8|silero|cnn-opset7|lstm|float16|decoder|functions/.test(name)))(
  "WASM in Node agrees with onnxruntime-node: $name",
  async ({ load }) => {
    const { model, observation } = await observed(load);
    const { feeds } = observation;
    const native = await run(model, feeds, services);
    const wasm = await run(model, feeds, engineServices({}, "wasm"));
    for (const [name, value] of Object.entries(native)) near(wasm[name]!, value, name, 1e-3);
  },
);

test("verification finds an altered model, whole and in segments", async () => {
  const { model } = zoo().find(({ name }) => name.startsWith("cnn"))!;
  const data = synthetic(model, { count: 3 });
  const samples = async function* () {
    for await (const { feeds } of data.samples()) yield feeds;
  };
  const [name] = [...model.graph.initializers].find(([, { dims }]) => dims.length === 4)!;
  const altered = { ...model, graph: { ...model.graph, initializers: new Map(model.graph.initializers) } };
  const weight = model.graph.initializers.get(name)!;
  if (weight.sparse) throw new Error("a dense weight was expected");
  const bytes = await weight.data.read();
  const values = new Float32Array(bytes.slice().buffer).map((x) => x * 1.5);
  const whole = new Uint8Array(values.buffer);
  altered.graph.initializers.set(name, {
    ...weight,
    data: {
      byteLength: whole.length,
      read: async () => whole,
      stream: async function* () {
        yield whole;
      },
    },
  });
  for (const mode of ["full", "segments"] as const) {
    const same = await verifyModel(model, model, samples(), services, { mode });
    expect(same).toMatchObject({ verified: mode, samples: 3 });
    for (const { cosine } of same.outputs) expect(cosine).toBeGreaterThan(0.999999);
    const other = await verifyModel(model, altered, samples(), services, { mode });
    expect(other.verified).toBe(mode);
    expect(Math.min(...other.outputs.map(({ sqnrDb }) => sqnrDb))).toBeLessThan(30);
  }
});

/** Of all names, dimensions and bytes: comparing large arrays entry by entry is slow in the test runner. */
function digest(feeds: Feeds): string {
  const hash = createHash("sha256");
  for (const [name, { dtype, dims, data }] of Object.entries(feeds)) {
    hash.update(`${name} ${dtype} ${dims} `);
    hash.update(ArrayBuffer.isView(data) ? data : (data as readonly string[]).join());
  }
  return hash.digest("hex");
}

const bytesOf = ({ dtype, dims }: { dtype: Value["dtype"]; dims: readonly number[] }) => byteCount(dtype, dims);

/** Equal up to what the order of float32 sums may change; float16 outputs to their own precision. */
function near(found: Value, expected: Value, name: string, tolerance = 1e-4): void {
  expect(found.dtype, name).toBe(expected.dtype);
  expect(found.dims, name).toEqual(expected.dims);
  if (expected.dtype !== "float32") {
    if (expected.dtype !== "float16") expect(digest({ found })).toBe(digest({ found: expected }));
    return;
  }
  const [a, b] = [found.data as Float32Array, expected.data as Float32Array];
  let scale = 1e-6;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    if (!Number.isFinite(b[i]!)) continue;
    scale = Math.max(scale, Math.abs(b[i]!));
    worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
  }
  expect(worst / scale, name).toBeLessThan(tolerance);
}
