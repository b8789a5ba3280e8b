import { describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { floats, openStep, scalar } from "../../tests/support/step-session.js";
import { run } from "../engine/run.js";
import { graphBuilder } from "../ir/build.js";
import type { Initializer } from "../ir/model.js";
import { random } from "../tensor/random.js";
import { float32, tensor } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import { type Constraint, keepZeros } from "./constraint.js";
import { prepare } from "./prepare.js";
import { buildStep, type StepOptions } from "./step.js";

const BATCH = 4;

function drawn(seed: number, count: number): number[] {
  const { normal } = random(seed);
  return Array.from({ length: count }, () => normal() / 2);
}

/** x [batch, 5] -> y = relu(x w0 + b0) w1 [batch, 3], and its hidden layer h [batch, 6]. */
function network(batch = BATCH) {
  const build = graphBuilder();
  build.input("x", "float32", [null, 5]);
  build.initializer("w0", float32([5, 6], drawn(1, 30)));
  build.initializer("b0", float32([6], drawn(2, 6)));
  build.initializer("w1", float32([6, 3], drawn(3, 18)));
  const first = build.node("MatMul", ["x", "w0"], { name: "first" });
  const hidden = build.node("Relu", [build.node("Add", [first, "b0"])], { name: "relu", outputs: ["h"] });
  build.node("MatMul", [hidden, "w1"], { name: "head", outputs: ["y"] });
  build.output("y", "float32", [null, 3]);
  build.output("h", "float32", [null, 6]);
  return prepare(build.model(), { feeds: { x: floats([batch, 5], drawn(9, batch * 5)) } }, engineServices());
}

const inputs = drawn(9, 100);
const feeds = (from: number, batch = BATCH) => ({ x: floats([batch, 5], inputs.slice(from * 5, (from + batch) * 5)) });
const labels = [0, 2, 1, 2, 1, 0, 0, 2, 1, 1, 2, 0];
const sgd: StepOptions = { losses: [{ loss: "cross-entropy" }], optimizer: { name: "sgd" } };

/** Weights and results after so many steps on the first batch. */
async function trained(
  steps: number,
  options: StepOptions,
  extra: { lr?: number; masks?: Record<string, Value> } = {},
) {
  const step = buildStep(await network(), options);
  const session = await openStep(step);
  const losses: number[] = [];
  let results: Record<string, Value> = {};
  for (let i = 0; i < steps; i++) {
    results = await session.run({ feeds: feeds(0), labels: labels.slice(0, 4), lr: 0.2, ...extra });
    losses.push(scalar(results.loss));
  }
  await session.release();
  return { step, session, results, losses, weights: session.weights() };
}

function expectNear(found: readonly number[], expected: readonly number[], relative: number): void {
  const size = Math.max(...expected.map(Math.abs));
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of found.entries())
    expect(Math.abs(value - expected[i]!), `element ${i}`).toBeLessThan(size * relative);
}

describe("gradients of several batches", () => {
  const adam: StepOptions = {
    losses: [{ loss: "cross-entropy", classWeights: [1, 2, 0.5] }],
    optimizer: { name: "adam", epsilon: 1e-4 },
    weightDecay: 0.01,
    clipNorm: 0.3,
    average: 0.5,
  };

  test("give what one large batch gives, to 1e-6", async () => {
    const large = await openStep(buildStep(await network(12), adam));
    const small = await openStep(buildStep(await network(), { ...adam, accumulate: 3 }));
    for (let update = 0; update < 3; update++) {
      const whole = await large.run({ feeds: feeds(0, 12), labels, lr: 0.05 });
      const norms: number[] = [];
      for (let i = 0; i < 3; i++) {
        const before = small.weights();
        const more = { apply: i === 2, fresh: i === 0 };
        const part = { feeds: feeds(i * 4), labels: labels.slice(i * 4, i * 4 + 4), lr: 0.05, more };
        norms.push(scalar((await small.run(part)).gradient_norm));
        if (i < 2) expect(small.weights()).toEqual(before);
        else expect(small.weights()).not.toEqual(before);
      }
      expect(norms[2]).toBeCloseTo(scalar(whole.gradient_norm), 6);
      expect(norms[0]).not.toBeCloseTo(norms[2]!, 4);
    }
    for (const averaged of [false, true]) {
      const [one, several] = [large.weights(averaged), small.weights(averaged)];
      for (const [name, values] of Object.entries(several)) expectNear(values, one[name]!, 1e-6);
    }
    await large.release();
    await small.release();
  });

  test("are gathered unscaled: the loss scale may change between them", async () => {
    const plain = await openStep(buildStep(await network(), { ...adam, accumulate: 2 }));
    const scaled = await openStep(buildStep(await network(), { ...adam, accumulate: 2, scaling: true }));
    for (const [i, lossScale] of [4, 1024].entries()) {
      const more = { apply: i === 1, fresh: i === 0 };
      const part = { feeds: feeds(i * 4), labels: labels.slice(i * 4, i * 4 + 4), lr: 0.05 };
      const [one, other] = [
        await plain.run({ ...part, more }),
        await scaled.run({ ...part, more: { ...more, lossScale } }),
      ];
      expect(scalar(other.gradient_norm)).toBeCloseTo(scalar(one.gradient_norm), 6);
      expect(scalar(other.loss)).toBe(scalar(one.loss));
    }
    const expected = plain.weights();
    for (const [name, values] of Object.entries(scaled.weights())) expectNear(values, expected[name]!, 1e-6);
    await plain.release();
    await scaled.release();
  });

  test("padding counts as if it were not there", async () => {
    const exact = await openStep(buildStep(await network(6), sgd));
    const padded = await openStep(buildStep(await network(), { ...sgd, accumulate: 2 }));
    await exact.run({ feeds: feeds(0, 6), labels: labels.slice(0, 6), lr: 0.1 });
    await padded.run({ feeds: feeds(0), labels: labels.slice(0, 4), lr: 0.1, more: { apply: false } });
    const rest = { feeds: feeds(4), labels: [labels[4], labels[5], 0, 0], lr: 0.1, sampleWeight: [1, 1, 0, 0] };
    await padded.run({ ...rest, more: { fresh: false } });
    const expected = exact.weights();
    for (const [name, values] of Object.entries(padded.weights())) expectNear(values, expected[name]!, 1e-6);
    await exact.release();
    await padded.release();
  });
});

test("several losses on several outputs add up, each with its factor", async () => {
  const separately = await Promise.all([
    trained(1, { ...sgd, losses: [{ loss: "cross-entropy" }] }),
    trained(1, { ...sgd, losses: [{ loss: "contrastive", output: "h" }] }),
  ]);
  const joined = await trained(1, {
    ...sgd,
    losses: [{ loss: "cross-entropy" }, { loss: "contrastive", output: "h", weight: 0.25 }],
  });
  const [first, second] = separately.map(({ losses }) => losses[0]!);
  expect(joined.losses[0]).toBeCloseTo(first! + 0.25 * second!, 5);
  expect(scalar(joined.results["loss.cross-entropy"])).toBeCloseTo(first!, 5);
  expect(scalar(joined.results["loss.contrastive"])).toBeCloseTo(second!, 5);
  // One step of gradient descent is linear in the gradient.
  const start = (await trained(0, sgd)).weights;
  for (const name of ["w0", "w1"]) {
    const moved = joined.weights[name]!.map((value, i) => value - start[name]![i]!);
    const parts = separately.map(({ weights }) =>
      start[name]!.map((value, i) => (weights[name]?.[i] ?? value) - value),
    );
    expectNear(
      moved,
      parts[0]!.map((value, i) => value + 0.25 * parts[1]![i]!),
      1e-5,
    );
  }
});

test("figures of a step: per sample, norm of the gradient, outputs where asked for", async () => {
  const { results, weights } = await trained(1, { ...sgd, optimizer: { name: "sgd", momentum: 0 }, outputs: true });
  const perSample = [...(results.per_sample_loss!.data as Float32Array)];
  expect(perSample).toHaveLength(BATCH);
  expect(scalar(results.loss)).toBeCloseTo(perSample.reduce((a, b) => a + b) / BATCH, 6);
  expect(results.y!.dims).toEqual([BATCH, 3]);
  const start = (await trained(0, sgd)).weights;
  const steps = Object.keys(start).flatMap((name) =>
    weights[name]!.map((value, i) => (value - start[name]![i]!) / 0.2),
  );
  expect(scalar(results.gradient_norm)).toBeCloseTo(Math.hypot(...steps), 4);
  const plain = await trained(1, sgd);
  expect(plain.step.results).toEqual(["loss", "per_sample_loss", "gradient_norm", "finite"]);
});

test("the moving average begins as the weights and follows each update", async () => {
  const step = buildStep(await network(), { ...sgd, average: 0.9 });
  const session = await openStep(step);
  let expected = session.weights().w0!;
  expect(session.weights(true)).toEqual(session.weights());
  for (let i = 0; i < 3; i++) {
    await session.run({ feeds: feeds(0), labels: labels.slice(0, 4), lr: 0.2 });
    const now = session.weights().w0!;
    expected = expected.map((value, at) => 0.9 * value + 0.1 * now[at]!);
  }
  expectNear(session.weights(true).w0!, expected, 1e-6);
  await session.release();
});

test("the evaluation model gives the loss of the step, from weights by their names", async () => {
  const { step, weights, session } = await trained(3, sgd);
  const found = new Map<string, Initializer>(
    Object.entries(weights).map(([name, values]) => [
      name,
      float32(step.weights(session.state).get(name)!.dims, values),
    ]),
  );
  const { graph } = step.evaluation;
  const model = { ...step.evaluation, graph: { ...graph, initializers: new Map([...graph.initializers, ...found]) } };
  const [target] = step.targets;
  const outputs = await run(
    model,
    {
      ...feeds(0),
      [target!.input]: target!.collate(labels.slice(0, 4)),
      "pare.sample_weight": floats([BATCH], [1, 1, 1, 1]),
    },
    engineServices(),
  );
  expect(Object.keys(outputs).sort()).toEqual(["h", "loss", "per_sample_loss", "y"]);
  const { losses } = await trained(4, sgd);
  expect(scalar(outputs.loss)).toBeCloseTo(losses[3]!, 6);
});

describe("which weights are trained, and how", () => {
  const start = [drawn(1, 30), drawn(2, 6), drawn(3, 18)].map((values) => values.map(Math.fround));

  test("train and freeze name weights, nodes and patterns", async () => {
    const head = (await trained(2, { ...sgd, train: ["head"] })).weights;
    expect(Object.keys(head)).toEqual(["w1"]);
    expect(head.w1).not.toEqual(start[2]);
    expect(Object.keys((await trained(1, { ...sgd, freeze: ["w*"] })).weights)).toEqual(["b0"]);
    expect(Object.keys((await trained(1, { ...sgd, train: ["/^[wb]0$/"] })).weights).sort()).toEqual(["b0", "w0"]);
  });

  test("a group has its own rate and decay; vectors do not decay unless they are to", async () => {
    const still = (await trained(1, { ...sgd, groups: [{ pattern: "w0", lr: 0 }] })).weights;
    expect(still.w0).toEqual(start[0]);
    expect(still.w1).not.toEqual(start[2]);
    const decay = { optimizer: { name: "adamw" }, losses: sgd.losses, weightDecay: 0.5 } as const;
    const plain = (await trained(1, { ...decay, weightDecay: 0 })).weights;
    const some = (await trained(1, decay)).weights;
    const all = (await trained(1, { ...decay, decayAll: true })).weights;
    expectNear(
      some.w0!,
      plain.w0!.map((value, i) => value - 0.2 * 0.5 * start[0]![i]!),
      1e-6,
    );
    expect(some.b0).toEqual(plain.b0);
    expectNear(
      all.b0!,
      plain.b0!.map((value, i) => value - 0.2 * 0.5 * start[1]![i]!),
      1e-6,
    );
  });

  test("masks keep zeros, whatever the optimizer remembers", async () => {
    const mask = Uint8Array.from({ length: 30 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const constraints = [keepZeros(new Map([["w0", tensor("bool", [5, 6], mask)]]))];
    const { weights, losses } = await trained(
      20,
      { ...sgd, optimizer: { name: "adam" }, attached: { constraints } },
      { lr: 0.02 },
    );
    expect(weights.w0!.every((value, i) => (value === 0) === (mask[i] === 0))).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(losses[1]!);
  });

  test("a constraint of the forward pass is read and differentiated through", async () => {
    const doubled = { name: "doubled", applies: ({ name }: { name: string }) => name === "w1" };
    const forward: readonly Constraint[] = [{ ...doubled, forward: (emit, value) => emit.scale(value, 2) }];
    const still: StepOptions = { ...sgd, optimizer: { name: "sgd", momentum: 0 } };
    const plain = await trained(1, still);
    const { losses, weights } = await trained(1, { ...still, attached: { constraints: forward } });
    expect(losses[0]).not.toBeCloseTo(plain.losses[0]!, 2);
    // Of relu(x w0) (2 w1): the same as of a network whose w1 is twice as large, times 2.
    expect(weights.w1).not.toEqual(plain.weights.w1);
    const evaluated = buildStep(await network(), { ...sgd, attached: { constraints: forward } }).evaluation;
    expect(evaluated.graph.nodes.filter(({ opType }) => opType === "Mul").length).toBeGreaterThan(0);
  });
});

test("dropout multiplies what a node gives with its mask, forward and back", async () => {
  const options: StepOptions = { ...sgd, dropout: { relu: 0.5 }, optimizer: { name: "sgd", momentum: 0 } };
  const { masks } = buildStep(await network(), options);
  expect(masks).toEqual([{ input: masks[0]!.input, dims: [BATCH, 6], rate: 0.5 }]);
  const name = masks[0]!.input;
  const ones = await trained(1, options, { masks: { [name]: floats([BATCH, 6], Array(24).fill(1)) } });
  expect(ones.losses).toEqual((await trained(1, sgd)).losses);
  // The third hidden number is dropped in every sample: its rows of weights get no gradient.
  const dropped = Array.from({ length: 24 }, (_, i) => (i % 6 === 2 ? 0 : 2));
  const { weights } = await trained(1, options, { masks: { [name]: floats([BATCH, 6], dropped) } });
  const start = (await trained(0, sgd)).weights;
  expect(weights.w1!.slice(6, 9)).toEqual(start.w1!.slice(6, 9));
  expect(weights.b0![2]).toBe(start.b0![2]);
  expect(weights.w1!.slice(0, 6)).not.toEqual(start.w1!.slice(0, 6));
});

test.each(["bfloat16", "float16"] as const)("activations computed again change no bit (%s)", async (precision) => {
  const options: StepOptions = { ...sgd, precision, scaling: false };
  const kept = await trained(3, options);
  const again = await trained(3, { ...options, recompute: { segments: 2 } });
  expect(again.step.model.graph.nodes.length).toBeGreaterThan(kept.step.model.graph.nodes.length);
  expect(again.step.notes.map(({ code }) => code)).toContain("recompute");
  expect(again.losses).toEqual(kept.losses);
  expect(again.weights).toEqual(kept.weights);
});
