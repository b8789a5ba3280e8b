import { describe, expect, test } from "vitest";
import { stepContext } from "../../tests/support/step-context.js";
import { floats, openStep, scalar } from "../../tests/support/step-session.js";
import { spiralCase, spiralModel, spirals } from "../../tests/support/train-case.js";
import type { Attach, Attached } from "./attached.js";
import { finetuneModel } from "./finetune.js";
import { finetuneOptions } from "./finetune-options.js";
import type { StepOptions } from "./step.js";

const sgd: Partial<StepOptions> = { optimizer: { name: "sgd", momentum: 0 } };
const feeds = {
  x: floats(
    [8, 2],
    Array.from({ length: 16 }, (_, i) => Math.sin(i) / 2),
  ),
};
const labels = [0, 1, 2, 0, 1, 2, 0, 1];

/** Weights and loss after one update. */
async function stepped(attached: Attached, more: { feeds?: object } = {}) {
  const { step } = await spiralCase({ ...sgd, attached });
  const session = await openStep(step);
  const before = session.weights();
  const results = await session.run({ feeds: { ...feeds, ...more.feeds }, labels, lr: 0.5 });
  await session.release();
  return { loss: scalar(results.loss), before, after: session.weights(), step };
}

const change = (after: readonly number[], before: readonly number[]) => after.map((value, i) => value - before[i]!);

test("a stated gradient takes the place of those of the nodes", async () => {
  const rounding = (gradient: (of: string) => (string | undefined)[]): Attached => ({
    constraints: [
      {
        name: "rounding",
        applies: ({ name }) => name === "w1",
        forward: (emit, value) =>
          emit.custom(emit.scale(emit.op("Round", [emit.scale(value, 4)]), 0.25), [value], gradient),
      },
    ],
  });
  const through = await stepped(rounding((of) => [of]));
  const stopped = await stepped(rounding(() => [undefined]));
  const plain = await stepped({});
  expect(through.loss).toBe(stopped.loss);
  expect(through.loss).not.toBe(plain.loss);
  expect(stopped.after.w1).toEqual(stopped.before.w1);
  const [straight, own] = [through, plain].map(({ after, before }) => change(after.w1!, before.w1!));
  // Of the loss at the rounded weights, and near that of the weights themselves.
  expect(straight).not.toEqual(own);
  const along = straight!.reduce((sum, value, i) => sum + value * own![i]!, 0);
  const norm = (of: readonly number[]) => Math.hypot(...of);
  expect(along / (norm(straight!) * norm(own!))).toBeGreaterThan(0.98);
});

test("inner values are read in another form, with a weight of the method's own that learns by its rate", async () => {
  const scaled = (initial: number, rate?: number): Attached => ({
    weights: [{ name: "pare.scale", dims: [], initial: Float32Array.of(initial), rate }],
    rewrites: [
      {
        name: "scaled",
        values: new Set(["x"]),
        write: ({ emit, weight }, value) => emit.mul(value, weight("pare.scale")!),
      },
    ],
  });
  const one = await stepped(scaled(1));
  expect(one.loss).toBe((await stepped({})).loss);
  const gradient = (at: Awaited<ReturnType<typeof stepped>>) =>
    (at.before["pare.scale"]![0]! - at.after["pare.scale"]![0]!) / 0.5;
  const step = 1e-2;
  const [up, down] = [await stepped(scaled(1 + step)), await stepped(scaled(1 - step))];
  expect(gradient(one)).toBeCloseTo((up.loss - down.loss) / (2 * step), 3);
  expect(Math.abs(gradient(one))).toBeGreaterThan(1e-3);
  expect(gradient(await stepped(scaled(1, 0.25)))).toBeCloseTo(gradient(one) / 4, 6);
  expect(one.step.evaluation.graph.initializers.has("pare.scale")).toBe(true);
});

describe("terms", () => {
  /** Half the squared distance of the logits, times a factor of the method's own, from what is supplied. */
  const towards: Attach = ({ prepared }) => {
    const [{ logits } = { logits: "" }] = prepared.heads;
    return {
      inputs: [{ name: "pare.wanted", shape: { dtype: "float32", dims: [prepared.batch, 3] } }],
      weights: [{ name: "pare.factor", dims: [], initial: Float32Array.of(1) }],
      supply: async ({ samples, feeds: given }) => ({
        "pare.wanted": floats(
          [samples.length, 3],
          samples.flatMap((_, i) => [0, 1, 2].map((k) => (given.x!.data as Float32Array)[2 * i]! * (k - 1))),
        ),
      }),
      terms: [
        {
          name: "towards",
          weight: 0.5,
          reads: [logits],
          write: ({ emit, value, weight }) => {
            const error = emit.sub(emit.mul(value(logits), weight("pare.factor")!), "pare.wanted");
            return { sums: emit.reduceSquares(error, [1], false), factor: emit.number(2) };
          },
        },
      ],
    };
  };
  const context = { ...stepContext(), data: spirals({ change: ({ label: _, ...sample }) => sample }) };
  const options = finetuneOptions.parse({ epochs: 12, batch: 16, lr: 0.05, optimizer: "adam" });

  test("are a loss without labels, on data that methods supply, held out too", async () => {
    const entries: number[] = [];
    const done = await finetuneModel(spiralModel(), options, context, {
      attach: towards,
      labelFree: true,
      onEntry: ({ loss }) => entries.push(loss),
    });
    expect(entries.at(-1)!).toBeLessThan(entries[0]! / 10);
    expect(done.best!.held.loss).toBeLessThan(done.before!.loss / 10);
    expect(done.extra.get("pare.factor")!.data[0]).not.toBe(1);
    expect(done.model.graph.initializers.has("pare.factor")).toBe(false);
  });

  test("stand beside a loss of labels", async () => {
    const labelled = { ...stepContext(), data: spirals() };
    let losses: Readonly<Record<string, number>> | undefined;
    let released = 0;
    const attach: Attach = async (site) => ({ ...(await towards(site)), release: async () => void released++ });
    const { loss } = await finetuneModel(spiralModel(), { ...options, epochs: undefined, steps: 2 }, labelled, {
      attach,
      onEntry: (entry) => (losses = entry.losses),
    }).then(({ log }) => log.at(-1)!);
    expect(Object.keys(losses!)).toEqual(["cross-entropy", "towards"]);
    expect(loss).toBeCloseTo(losses!["cross-entropy"]! + losses!.towards!, 5);
    expect(released).toBe(1);
  });
});
