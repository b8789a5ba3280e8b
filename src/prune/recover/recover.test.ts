// What pruning's recovery promises on a small network: zeros stay, earlier values come back, fresh ones follow the seed.

import { describe, expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { spiralModel, spirals } from "../../../tests/support/train-case.js";
import type { Model } from "../../ir/model.js";
import { tensor } from "../../tensor/tensor.js";
import { type FinetuneOptions, finetuneOptions } from "../../train/finetune-options.js";
import { recover } from "./recover.js";

const context = { ...stepContext(), data: spirals() };

const options = (more: Partial<FinetuneOptions> = {}): FinetuneOptions => ({
  ...finetuneOptions.parse({ batch: 8, steps: 6, lr: 0.02, ...more }),
});

async function numbers(model: Model, name: string): Promise<Float32Array> {
  const found = model.graph.initializers.get(name)!;
  if (found.sparse) throw new Error(`${name} is sparse`);
  return new Float32Array((await found.data.read()).slice().buffer);
}

/** Every third element of the matrices is zero. */
async function pruned(model: Model): Promise<Model> {
  const initializers = new Map(model.graph.initializers);
  for (const name of ["w0", "w1"]) {
    const values = (await numbers(model, name)).map((value, i) => (i % 3 === 0 ? 0 : value));
    initializers.set(name, tensor("float32", initializers.get(name)!.dims, values));
  }
  return { ...model, graph: { ...model.graph, initializers } };
}

const zeroPlaces = async (model: Model, name: string) =>
  [...(await numbers(model, name))].flatMap((value, i) => (value === 0 ? [i] : []));

describe("recovery", async () => {
  const original = spiralModel();
  const given = await pruned(original);
  const holes = { w0: await zeroPlaces(given, "w0"), w1: await zeroPlaces(given, "w1") };
  const earlier = spiralModel(9);
  const holds = async (model: Model) => {
    expect(await zeroPlaces(model, "w0")).toEqual(holes.w0);
    expect(await zeroPlaces(model, "w1")).toEqual(holes.w1);
  };

  test.each([
    { name: "keep", more: {} },
    { name: "keep", more: { optimizer: { name: "sgd", momentum: 0.9 }, average: 0.5 } },
    { name: "keep", more: { precision: "bfloat16", accumulate: 2 } },
    { name: "rewind", more: {} },
    { name: "reinit", more: { init: "xavier" } },
  ] as const)("$name: what was pruned stays zero, all else is trained", async ({ name, more }) => {
    const finetune = options(more as Partial<FinetuneOptions>);
    const result = await recover(given, { finetune, weights: name, earlier, masked: true }, context);
    await holds(result.model);
    expect(await numbers(result.model, "w0")).not.toEqual(await numbers(given, "w0"));
    expect(await numbers(result.model, "b0")).not.toEqual(await numbers(given, "b0"));
    expect(result.log).toHaveLength(6);
  });

  test("without a mask zeros are trained like all else", async () => {
    const { model } = await recover(given, { finetune: options(), masked: false }, context);
    expect(await zeroPlaces(model, "w1")).toEqual([]);
  });

  test("rewinding gives exactly the earlier values where something is left", async () => {
    const { model, log } = await recover(given, { weights: "rewind", earlier, masked: true }, context);
    await holds(model);
    for (const name of ["w0", "w1", "b0"]) {
      const [now, old] = [await numbers(model, name), await numbers(earlier, name)];
      expect([...now]).toEqual([...old].map((value, i) => (name !== "b0" && i % 3 === 0 ? 0 : value)));
    }
    expect(log).toEqual([]);
    const whole = await recover(given, { weights: "rewind", earlier, masked: false }, context);
    expect(await numbers(whole.model, "w0")).toEqual(await numbers(earlier, "w0"));
  });

  test("an earlier model of another architecture is refused by the tensor", async () => {
    const { graph } = spiralModel();
    const initializers = new Map(graph.initializers).set("w1", tensor("float32", [3, 16], new Float32Array(48)));
    const other = { ...earlier, graph: { ...graph, initializers } };
    const refused = recover(given, { weights: "rewind", earlier: other, masked: true }, context);
    await expect(refused).rejects.toMatchObject({ code: "rewind-other", node: "w1", found: "float32 [3,16]" });
  });

  test("fresh weights follow the seed", async () => {
    const drawn = async (seed: number) => {
      const finetune = options({ steps: 1, seed, train: ["w1"] });
      return numbers((await recover(given, { finetune, weights: "reinit", masked: true }, context)).model, "w1");
    };
    const first = await drawn(1);
    expect(await drawn(1)).toEqual(first);
    const other = await drawn(2);
    const same = first.filter((value, i) => value === other[i]);
    expect(same.every((value) => value === 0)).toBe(true);
    expect(same).toHaveLength(holes.w1.length);
    // Nothing of the given weights is left: one update moves them by the learning rate at most.
    const before = await numbers(given, "w1");
    expect(first.some((value, i) => Math.abs(value - before[i]!) > 0.1)).toBe(true);
  });

  test("training ends as soon as it is as good as the original", async () => {
    const good = (await recover(original, { finetune: options({ steps: 60 }), masked: false }, context)).model;
    const weak = await pruned(good);
    const finetune = options({ steps: 200, evaluateEvery: 3 });
    const result = await recover(weak, { finetune, masked: true, recovered: 0.05, original: good }, context);
    expect(result.notes.map(({ code }) => code)).toEqual(expect.arrayContaining(["recovery-target", "recovered"]));
    expect(result.log.length).toBeLessThan(200);
    const looks = result.log.flatMap(({ held }) => held?.metric?.value ?? []);
    const { value } = (await recover(good, { finetune: options({ steps: 1 }), masked: true }, context)).finetuned!
      .before!.metric!;
    expect(looks.slice(0, -1).every((look) => look < value - 0.05)).toBe(true);
    expect(looks.at(-1)).toBeGreaterThanOrEqual(value - 0.05);
    await holds(result.model);
    const far = { finetune: options(), masked: true, recovered: 0, original: good };
    expect((await recover(given, far, context)).notes.map(({ code }) => code)).toContain("not-recovered");
  });

  test.each([
    { settings: { weights: "rewind" }, says: "earlier model" },
    { settings: { weights: "reinit" }, says: "finetune" },
    { settings: { recovered: 0.01 }, says: "finetune" },
    { settings: { recovered: 0.01, finetune: options() }, says: "original" },
  ] as const)("$settings without what it needs is refused", async ({ settings, says }) => {
    await expect(recover(given, { masked: true, ...settings }, context)).rejects.toMatchObject({
      code: "recovery-options",
      hint: expect.stringContaining(says),
    });
  });
});
