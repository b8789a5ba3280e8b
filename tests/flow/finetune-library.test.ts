// Training as users of the library meet it: what is learned, what stays, and everything that can be asked wrongly, refused
// before anything is trained.

import { describe, expect, test } from "vitest";
import type { Dataset, Sample } from "../../src/data/dataset.js";
import { type FinetuneSettings, finetune } from "../../src/finetune.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { run } from "../../src/run.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64, tensor } from "../../src/tensor/tensor.js";

/** Points of the plane, in classes by the signs of x and y; `label` makes what the model is to learn. */
function points(count: number, label: (x: number, y: number) => Sample["label"]): Dataset {
  const source = random(3);
  const all: Sample[] = Array.from({ length: count }, (_, i) => {
    const [x, y] = [source.normal(), source.normal()];
    const answer = label(x, y);
    const feeds = { x: { dtype: "float32" as const, dims: [1, 2], data: Float32Array.of(x, y) } };
    return answer === undefined ? { feeds, id: `${i}` } : { feeds, label: answer, id: `${i}` };
  });
  const part = (samples: readonly Sample[], name: string): Dataset => ({
    name,
    size: samples.length,
    labelled: samples[0]?.label !== undefined,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = samples.length } = {}) {
      yield* samples.slice(0, limit);
    },
    sample: async (index) => samples[index]!,
    split: (which) => part(which === "calibrate" ? samples.slice(0, count / 4) : samples.slice(count / 4), name),
  });
  return part(all, "points");
}

const quadrant = (x: number, y: number) => (x > 0 ? 2 : 0) + (y > 0 ? 1 : 0);

/** Two layers: [batch, 2] to 4 numbers, and what stands behind them. */
function network(end: "none" | "Softmax" | "Sigmoid", batch: number | string = "batch", outputs = 4): Model {
  const source = random(1);
  const drawn = (...dims: number[]) =>
    float32(
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => 0.6 * source.normal()),
    );
  const g = graphBuilder();
  g.input("x", "float32", [batch, 2]);
  g.initializer("w1", drawn(2, 16));
  g.initializer("b1", drawn(16));
  g.initializer("w2", drawn(16, outputs));
  const hidden = g.node("Relu", [g.node("Add", [g.node("MatMul", ["x", "w1"]), "b1"])]);
  const logits = g.node("MatMul", [hidden, "w2"]);
  g.output(end === "none" ? logits : g.node(end, [logits]), "float32", [batch, outputs]);
  return g.model();
}

const train = (model: Model, data: Dataset, settings: FinetuneSettings = {}) =>
  finetune(model, { steps: 40, batch: 16, lr: 0.02, ...settings }, { data, threads: 1 });

describe("the library", () => {
  test("learns quadrants through a Softmax, and the file keeps its form", async () => {
    const model = network("Softmax");
    const seen: number[] = [];
    const data = points(400, quadrant);
    const {
      model: trained,
      before,
      best,
      notes,
      log,
    } = await finetune(
      model,
      { epochs: 4, batch: 20, lr: 0.03, schedule: { name: "one-cycle", rise: 0.2 }, patience: 3 },
      { data, threads: 1, onEntry: ({ step }) => seen.push(step) },
    );
    expect(best!.held.metric!.value).toBeGreaterThan(0.93);
    expect(best!.held.metric!.value).toBeGreaterThan(before!.metric!.value);
    expect(seen).toEqual(log.map(({ step }) => step));
    expect(notes.map(({ code }) => code)).toEqual(expect.arrayContaining(["loss-chosen", "trained"]));
    expect(trained.graph.nodes).toEqual(model.graph.nodes);
    const [first] = trained.graph.outputs;
    const out = (await run(trained, { x: { dtype: "float32", dims: [1, 2], data: Float32Array.of(2, -2) } }))[
      first!.name
    ]!;
    const sum = Array.from(out.data as Float32Array).reduce((a, b) => a + b);
    expect(sum).toBeCloseTo(1, 5);
    expect((out.data as Float32Array).indexOf(Math.max(...(out.data as Float32Array)))).toBe(2);
  });

  test.each([
    ["Sigmoid", 1, (x: number) => Number(x > 0), "binary-cross-entropy"],
    ["none", 1, (x: number, y: number) => x - 2 * y + 0.25, "mean-squared"],
    ["none", 4, quadrant, "cross-entropy"],
  ] as const)(
    "a model that ends in %s with %i numbers: the loss fits its labels",
    async (end, outputs, label, loss) => {
      const { notes, log } = await train(network(end, "batch", outputs), points(200, label));
      expect(notes.find(({ code }) => code === "loss-chosen")!.text).toContain(loss);
      expect(log.at(-1)!.loss).toBeLessThan(0.5 * log[0]!.loss);
    },
  );

  test("zeros stay zero, frozen weights stay, others move", async () => {
    const model = network("none");
    const w1 = Float32Array.from({ length: 32 }, (_, i) => (i % 3 === 0 ? 0 : 0.3));
    const pruned: Model = {
      ...model,
      graph: { ...model.graph, initializers: new Map(model.graph.initializers).set("w1", float32([2, 16], w1)) },
    };
    const { model: trained } = await train(pruned, points(100, quadrant), {
      keepZeros: true,
      freeze: ["w2"],
      steps: 5,
    });
    const after = new Float32Array((await read(trained, "w1")).slice().buffer);
    expect(Array.from(after, (value) => value === 0)).toEqual(Array.from(after, (_, i) => i % 3 === 0));
    expect(after[1]).not.toBe(w1[1]);
    expect(trained.graph.initializers.get("w2")).toBe(pruned.graph.initializers.get("w2"));
  });

  test("a batch that the file fixes at 1 is freed for training", async () => {
    const { log, notes, model } = await train(network("none", 1), points(100, quadrant), { steps: 5 });
    expect(log).toHaveLength(5);
    expect(notes.some(({ text }) => text.includes("batches of 1"))).toBe(true);
    expect(model.graph.inputs[0]!.type).toMatchObject({ shape: [1, 2] });
  });
});

const read = async (model: Model, name: string) => {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error("sparse");
  return found.data.read();
};

describe("wrong use is refused before anything is trained", () => {
  const data = points(100, quadrant);
  const refused = (model: Model, from: Dataset = data, settings: FinetuneSettings = {}) =>
    expect(train(model, from, settings)).rejects;

  test("labels out of range, missing, or of another form", async () => {
    await refused(
      network("Softmax"),
      points(100, (x, y) => 7 + quadrant(x, y)),
    ).toMatchObject({ code: "label-range" });
    await refused(
      network("Softmax"),
      points(100, () => undefined),
    ).toMatchObject({ code: "label-missing" });
    await refused(
      network("Softmax"),
      points(100, () => [1, 2, 3]),
    ).toMatchObject({ kind: "invalid" });
  });

  test("a loss that does not fit the output, and options that contradict", async () => {
    await refused(network("Sigmoid"), data, { loss: "cross-entropy" }).toMatchObject({
      code: "loss-output",
      hint: expect.stringContaining("binary-cross-entropy"),
    });
    await refused(network("none"), data, { epochs: 2 }).toMatchObject({ code: "finetune-options" });
    await refused(network("none"), data, { train: ["w9"] }).toMatchObject({ code: "pattern-unmatched" });
    await refused(network("none"), data, { freeze: ["w*", "b*"] }).toMatchObject({ code: "weights-none" });
    await refused(network("none"), data, { dropout: "a=2" }).toMatchObject({ code: "option-invalid" });
  });

  test("fewer samples than a batch, unless they are to be padded", async () => {
    await refused(network("none"), points(16, quadrant), { batch: 64 }).toMatchObject({ code: "data-too-small" });
    const { log } = await train(network("none"), points(16, quadrant), { batch: 64, lastBatch: "pad", steps: 2 });
    expect(log).toHaveLength(2);
  });

  test("no data, and data that nothing is held out of", async () => {
    await expect(finetune(network("none"), { steps: 1 })).rejects.toMatchObject({ code: "data-missing" });
    const none: Dataset = { ...data, split: (part) => (part === "calibrate" ? { ...data, size: 0 } : data) };
    await refused(network("none"), none, { patience: 2 }).toMatchObject({ code: "finetune-options" });
    const { notes, best } = await train(network("none"), none, { steps: 2 });
    expect(best).toBeUndefined();
    expect(notes.map(({ code }) => code)).toContain("held-out-none");
  });

  test("a model without trainable weights, and one of integers", async () => {
    const plain = graphBuilder();
    plain.input("x", "float32", ["batch", 2]);
    plain.output(plain.node("Relu", ["x"]), "float32", ["batch", 2]);
    await refused(
      plain.model(),
      points(100, (x, y) => [x, y]),
    ).toMatchObject({ code: "weights-none" });
    const g = graphBuilder();
    g.input("x", "float32", ["batch", 2]);
    g.initializer("w", tensor("int8", [2, 4], Int8Array.from([1, 2, 3, 4, 5, 6, 7, 8])));
    g.initializer("shape", int64([1], [1]));
    const [codes, scale, zero] = g.nodes("DynamicQuantizeLinear", ["x"], { outputs: 3 });
    const product = g.node("MatMulInteger", [codes!, "w", zero!]);
    g.output(g.node("Mul", [g.node("Cast", [product], { attributes: { to: 1 } }), scale!]), "float32", ["batch", 4]);
    await refused(g.model()).toMatchObject({ code: "integer-model" });
  });
});
