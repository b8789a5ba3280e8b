// Training before pruning makes small what each regulariser is for; against the same training without it.

import { describe, expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { spirals } from "../../../tests/support/train-case.js";
import { float } from "../../ir/attributes.js";
import { graphBuilder } from "../../ir/build.js";
import type { Model } from "../../ir/model.js";
import { random } from "../../tensor/random.js";
import { float32 } from "../../tensor/tensor.js";
import { type FinetuneOptions, finetuneOptions } from "../../train/finetune-options.js";
import type { Group, Grouping, Place } from "../group/group.js";
import { regularisers } from "./index.js";
import { induceSparsity } from "./induce-sparsity.js";

const UNITS = 8;

/** x [n, 2] -> 8 -> batch normalisation -> Tanh -> 3 classes. */
function network(): Model {
  const source = random(4);
  const drawn = (...dims: number[]) =>
    float32(
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b) }, () => source.normal()),
    );
  const g = graphBuilder();
  g.input("x", "float32", ["n", 2]);
  const product = g.node("MatMul", ["x", g.initializer("w0", drawn(2, UNITS))]);
  const norm = [1, 0, 0, 1].map((value, i) => g.initializer(`bn${i}`, float32([UNITS], Array(UNITS).fill(value))));
  const normed = g.node("BatchNormalization", [product, ...norm], { attributes: { epsilon: float(1e-5) } });
  const logits = g.node("MatMul", [g.node("Tanh", [normed]), g.initializer("w1", drawn(UNITS, 3))]);
  g.output(logits, "float32", ["n", 3]);
  return g.model({ opset: 17 });
}

const positions = Int32Array.from({ length: UNITS }, (_, i) => i);
const place = (value: string, axis: number, role: Place["role"]): Place => ({
  value,
  axis,
  role,
  constant: true,
  perUnit: 1,
  positions,
});

function grouping(model: Model, more: Partial<Group> = {}): Grouping {
  const places = [place("w0", 1, "output"), place("bn0", 0, "vector"), place("w1", 0, "input")];
  const group: Group = { name: "w0", kind: "hidden", units: UNITS, places, obstacle: undefined, ...more };
  return { model, groups: [group], dims: new Map(), rest: () => 0, notes: [] };
}

const context = { ...stepContext(), data: spirals() };
const finetune = (more: Partial<FinetuneOptions> = {}) =>
  finetuneOptions.parse({
    batch: 16,
    steps: 30,
    lr: 0.02,
    optimizer: "adam",
    bn: "train",
    schedule: "constant",
    ...more,
  });

async function numbers(model: Model, name: string): Promise<Float32Array> {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error(`${name} is sparse`);
  return new Float32Array((await found.data.read()).slice().buffer);
}

/** L2 norm of every unit over both matrices. */
async function norms(model: Model): Promise<number[]> {
  const [w0, w1] = [await numbers(model, "w0"), await numbers(model, "w1")];
  return Array.from({ length: UNITS }, (_, u) => Math.hypot(w0[u]!, w0[UNITS + u]!, ...w1.subarray(3 * u, 3 * u + 3)));
}

const sum = (values: Iterable<number>) => [...values].reduce((all, one) => all + Math.abs(one), 0);

describe("sparsity-inducing training", async () => {
  const model = network();
  const induced = (method: Parameters<typeof induceSparsity>[1]["method"], more: Partial<FinetuneOptions> = {}) =>
    induceSparsity(grouping(model), { method, finetune: finetune(more), share: 0.25 }, context);
  // A penalty of next to nothing.
  const plain = await induced({ name: "group-lasso", strength: 1e-9 });

  test("group lasso shrinks the norms of units, and tells the penalty", async () => {
    const strength = 0.2;
    const { model: made, log } = await induced({ name: "group-lasso", strength });
    expect(sum(await norms(made))).toBeLessThan(0.8 * sum(await norms(plain.model)));
    // Five elements to a unit; before the first update.
    const expected = strength * Math.sqrt(5) * sum(await norms(model));
    expect(log[0]!.figures!.penalty).toBeCloseTo(expected, 4);
    expect(log.at(-1)!.figures!.penalty).toBeLessThan(expected);
  });

  test("the gradient of group lasso is that of its definition, also where batches are added up in low precision", async () => {
    // One update of plain gradient descent without a loss to speak of.
    const strength = 0.1;
    const loss = { loss: "cross-entropy", weight: 1e-12 };
    for (const more of [{}, { accumulate: 2 }, { precision: "bfloat16", lossScale: 64 }]) {
      const options = { steps: 1, lr: 0.5, optimizer: "sgd", loss, ...more } as Partial<FinetuneOptions>;
      const { model: made } = await induced({ name: "group-lasso", strength }, options);
      const [before, after, all] = [await numbers(model, "w0"), await numbers(made, "w0"), await norms(model)];
      for (const [i, value] of after.entries()) {
        const pull = (strength * Math.sqrt(5) * before[i]!) / all[i % UNITS]!;
        expect(value, `${i}`).toBeCloseTo(before[i]! - 0.5 * pull, 5);
      }
    }
  });

  test("growing regularisation shrinks the smaller units, by a factor that grows", async () => {
    const before = await norms(model);
    const order = [...before.keys()].sort((a, b) => before[a]! - before[b]!);
    const { model: made, log } = await induced({ name: "growing", strength: 4 });
    const [after, other] = [await norms(made), await norms(plain.model)];
    const of = (all: readonly number[], units: readonly number[]) => sum(units.map((unit) => all[unit]!));
    expect(of(after, order.slice(0, 2))).toBeLessThan(0.7 * of(other, order.slice(0, 2)));
    expect(of(after, order.slice(2))).toBeGreaterThan(0.8 * of(other, order.slice(2)));
    expect(log[0]!.figures!.penalty).toBe(0);
    // At the last update the whole strength, on the weights before it.
    const last = log.at(-1)!.figures!.penalty!;
    const squares = after.filter((_, unit) => order.indexOf(unit) < 2).reduce((all, one) => all + one * one, 0);
    expect(last).toBeGreaterThan(0.9 * 2 * squares);
    expect(last).toBeLessThan(1.5 * 2 * squares);
  });

  test("slimming shrinks the scales of batch normalisations", async () => {
    const { model: made, log } = await induced({ name: "slimming", strength: 0.05 });
    expect(log[0]!.figures!.penalty).toBeCloseTo(0.05 * UNITS, 5);
    expect(sum(await numbers(made, "bn0"))).toBeLessThan(0.8 * sum(await numbers(plain.model, "bn0")));
  });

  test("units along a flattened axis, and those that are only a part of an axis, are seen whole", async () => {
    // Four units of two positions each, of which two units are taken.
    const at = (value: string, axis: number, role: Place["role"]): Place => ({
      ...place(value, axis, role),
      perUnit: 2,
      positions: Int32Array.of(6, 7, 0, 1),
    });
    const partly = grouping(model, { units: 2, places: [at("w0", 1, "output"), at("w1", 0, "input")] });
    const method = { name: "group-lasso", strength: 1 };
    const { log } = await induceSparsity(partly, { method, finetune: finetune({ steps: 1 }) }, context);
    const each = await norms(model);
    const expected = Math.sqrt(10) * (Math.hypot(each[6]!, each[7]!) + Math.hypot(each[0]!, each[1]!));
    expect(log[0]!.figures!.penalty).toBeCloseTo(expected, 3);
  });

  test("the last weights come out, and the same seed gives the same bytes", async () => {
    const [one, two] = [await induced("group-lasso"), await induced("group-lasso")];
    for (const name of ["w0", "w1", "bn0"])
      expect(await numbers(one.model, name)).toEqual(await numbers(two.model, name));
    expect(one.finetuned!.best!.step).toBe(30);
  });

  test.each(regularisers.names)("%s has nothing to do where all groups must stay", async (method) => {
    const kept = grouping(model, { obstacle: { reason: "it is the output", node: "w1" } });
    const refused = induceSparsity(kept, { method, finetune: finetune() }, context);
    await expect(refused).rejects.toMatchObject({ code: "induce-nothing" });
  });

  test("an option that there is not is refused", async () => {
    await expect(induced({ name: "slimming", strenght: 1 })).rejects.toMatchObject({ code: "option-unknown" });
    await expect(induced("lasso")).rejects.toMatchObject({ code: "regulariser-unknown" });
  });
});
