import { describe, expect, test } from "vitest";
import { stepContext } from "../../../tests/support/step-context.js";
import { type SpiralOptions, spiralModel, spirals } from "../../../tests/support/train-case.js";
import type { Model } from "../../ir/model.js";
import { finetuneModel } from "../finetune.js";
import { type FinetuneOptions, finetuneOptions } from "../finetune-options.js";
import { ensemble } from "./ensemble.js";

const unlabelled: SpiralOptions = { change: ({ label: _, ...sample }) => sample };

/** The student learns from these teachers on spirals, by names "a", "b" ... of `models`. */
async function taught(teacher: unknown, more: Readonly<Record<string, unknown>> = {}, data = spirals(unlabelled)) {
  const models: Record<string, Model> = { a: spiralModel(1), b: spiralModel(3), c: spiralModel(4), other: renamed() };
  const context = {
    ...stepContext(),
    data,
    original: models.a,
    load: async (path: string) => {
      const found = models[path];
      if (found === undefined) throw new Error(`there is no file ${path}`);
      return found;
    },
  };
  const options = finetuneOptions.parse({ epochs: 10, batch: 16, lr: 0.03, optimizer: "adam", teacher, ...more });
  return finetuneModel(spiralModel(2), options as FinetuneOptions, context);
}

/** The same network with other names, and its classes in reverse. */
function renamed(): Model {
  const { graph, ...model } = spiralModel(1);
  const name = (one: string) => (one === "x" ? "points" : one === "p" ? "chances" : one);
  return {
    ...model,
    graph: {
      ...graph,
      inputs: graph.inputs.map((input) => ({ ...input, name: name(input.name) })),
      outputs: graph.outputs.map((output) => ({ ...output, name: name(output.name) })),
      nodes: graph.nodes.map((node) => ({
        ...node,
        inputs: node.inputs.map(name),
        outputs: node.outputs.map(name),
      })),
    },
  };
}

test("the original teaches without labels, on held-out samples too", async () => {
  const { before, best, log, notes } = await taught("original");
  expect(best!.held.loss).toBeLessThan(before!.loss / 10);
  expect(before!.metric).toBeUndefined();
  expect(log[0]!.losses).toBeUndefined();
  expect(notes.find(({ code }) => code === "teacher")!.text).toMatch(/Learns from the original: soft-labels of/);
});

test("labels and a teacher stand side by side, with factors that change", async () => {
  const losses = [{ loss: "soft-labels", temperature: { from: 4, to: 2 }, weight: { from: 1, to: 0 } }];
  const { log } = await taught(
    { losses },
    { loss: { loss: "cross-entropy", weight: 0.5 }, steps: 5, epochs: undefined },
    spirals(),
  );
  const parts = log.map(({ losses: own }) => own!);
  expect(log[0]!.loss).toBeCloseTo(0.5 * parts[0]!["cross-entropy"]! + parts[0]!["soft-labels"]!, 5);
  expect(log[2]!.loss).toBeCloseTo(0.5 * parts[2]!["cross-entropy"]! + 0.5 * parts[2]!["soft-labels"]!, 5);
  expect(log[4]!.loss).toBeCloseTo(0.5 * parts[4]!["cross-entropy"]!, 5);
});

test("what is kept of the teacher changes no bit", async () => {
  const short = { steps: 18, epochs: undefined };
  const [plain, kept] = [await taught({}, short), await taught({ cache: true }, short)];
  expect(kept.log.map(({ loss }) => loss)).toEqual(plain.log.map(({ loss }) => loss));
});

test("hidden values are paired by name, or as stated", async () => {
  const short = { steps: 3, epochs: undefined };
  const auto = await taught({ losses: ["hidden"] }, short);
  expect(auto.notes.find(({ code }) => code === "teacher")!.text).toMatch(/hidden of/);
  const tanh = spiralModel(2).graph.nodes.find(({ opType }) => opType === "Tanh")!.outputs[0]!;
  const stated = await taught({ losses: [{ loss: "hidden", pairs: { [tanh]: tanh } }] }, { ...short, steps: 30 });
  expect(stated.log.at(-1)!.loss).toBeLessThan(stated.log[0]!.loss / 2);
});

test("another architecture is fed and read by stated names, classes by a map", async () => {
  const short = { steps: 1, epochs: undefined };
  const plain = await taught("a", short);
  const mapped = await taught(
    { from: "other", inputs: { points: "x" }, outputs: { p: "chances" }, classes: [0, 1, 2] },
    short,
  );
  expect(mapped.log[0]!.loss).toBe(plain.log[0]!.loss);
  const turned = await taught({ from: "other", classes: [2, 1, 0] }, short);
  expect(turned.log[0]!.loss).not.toBeCloseTo(plain.log[0]!.loss, 3);
  const scaled = await taught({ from: "a", inputs: { x: { from: "x", scale: [2, 2], shift: 1 } } }, short);
  expect(scaled.log[0]!.loss).not.toBeCloseTo(plain.log[0]!.loss, 3);
});

describe("ensembles", () => {
  test("three teachers are one with their mean", async () => {
    const short = { steps: 1, epochs: undefined };
    const one = await taught({ from: ["a", "a", "a"] }, short);
    expect(one.log[0]!.loss).toBeCloseTo((await taught("a", short)).log[0]!.loss, 5);
    const three = await taught({ from: ["a", "b", { model: "c", weight: 2 }], combine: "logits" }, short);
    expect(three.log[0]!.loss).not.toBeCloseTo(one.log[0]!.loss, 3);
  });

  test("of logits and of probabilities", () => {
    const head = { output: "p", logits: "z", activation: "softmax", axis: 1 } as const;
    const members = [
      { data: Float32Array.of(1, 2, 0), weight: 1 },
      { data: Float32Array.of(0, 0, 4), weight: 3 },
    ];
    const place = { dims: [1, 3], head };
    expect([...ensemble(members, place, "logits")]).toEqual([0.25, 0.5, 3]);
    const softmax = (list: readonly number[]) => {
      const all = list.map(Math.exp);
      return all.map((x) => x / all.reduce((sum, y) => sum + y, 0));
    };
    const [a, b] = [softmax([1, 2, 0]), softmax([0, 0, 4])];
    const mean = a.map((x, at) => Math.log((x + 3 * b[at]!) / 4));
    ensemble(members, place, "probabilities").forEach((x, at) => {
      expect(x).toBeCloseTo(mean[at]!, 6);
    });
    const yes = ensemble(members, { dims: [1, 3], head: { ...head, activation: "sigmoid" } }, "probabilities");
    const chance = (x: number) => 1 / (1 + Math.exp(-x));
    expect(chance(yes[0]!)).toBeCloseTo((chance(1) + 3 * chance(0)) / 4, 6);
  });
});

test.each([
  ["a teacher that is nowhere", { from: "nowhere" }, /no file nowhere/],
  ["an output that there is not", { outputs: { p: "q" } }, /no float output "q"/],
  ["an output of the student that there is not", { losses: [{ loss: "logits", output: "q" }] }, /no float output "q"/],
  ["an input that there is not", { inputs: { y: "x" } }, /no input "y"/],
  ["an input that nothing feeds", { from: "other", inputs: { points: "y" } }, /Nothing is fed/],
  ["a class that there is not", { classes: [0, 1, 3] }, /no class 3/],
  ["too few classes", { classes: [0, 1] }, /cannot be compared/],
  [
    "a value that there is not",
    { losses: [{ loss: "hidden", pairs: { nothing: "x" } }] },
    /student has no float value "nothing"/,
  ],
  ["a mask that does not fit", { losses: [{ loss: "logits", mask: "x" }] }, /which positions/],
] as const)("%s: refused before anything is trained", async (_, teacher, message) => {
  await expect(taught(teacher)).rejects.toThrow(message);
});
