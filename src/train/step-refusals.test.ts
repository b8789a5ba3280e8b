import { describe, expect, test } from "vitest";
import { engineServices } from "../../tests/support/engine.js";
import { floats } from "../../tests/support/step-session.js";
import { PareError } from "../base/errors.js";
import type { Sample } from "../data/dataset.js";
import { graphBuilder } from "../ir/build.js";
import { float32, int64 } from "../tensor/tensor.js";
import { prepare } from "./prepare.js";
import { buildStep, type LossChoice, type StepOptions } from "./step.js";

type Label = Sample["label"];

/** x [4, 5] -> y = x w [4, 3], z = softmax(x w), s = sigmoid(x w), all [4, 3], n = the rows of x w in one vector [12]. */
async function network() {
  const build = graphBuilder();
  build.input("x", "float32", [4, 5]);
  build.initializer(
    "w",
    float32(
      [5, 3],
      Array.from({ length: 15 }, (_, i) => Math.sin(i)),
    ),
  );
  build.node("MatMul", ["x", "w"], { name: "head", outputs: ["y"] });
  build.node("Softmax", ["y"], { outputs: ["z"] });
  build.node("Sigmoid", ["y"], { outputs: ["s"] });
  build.node("Reshape", ["y", build.initializer("flat", int64([1], [12]))], { outputs: ["n"] });
  for (const name of ["y", "z", "s"]) build.output(name, "float32", [4, 3]);
  build.output("n", "float32", [12]);
  return prepare(build.model(), { feeds: { x: floats([4, 5], Array(20).fill(0.1)) } }, engineServices());
}

const sgd: StepOptions = { losses: [{ loss: "cross-entropy" }], optimizer: { name: "sgd" } };

function refusal(work: () => unknown): PareError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(PareError);
    return error as PareError;
  }
  throw new Error("nothing was refused");
}

test.each<[string, Partial<StepOptions>, string, RegExp]>([
  ["no loss", { losses: [] }, "loss-none", /no loss/],
  ["a loss that there is not", { losses: [{ loss: "crossentropy" }] }, "loss-unknown", /crossentropy/],
  ["an option that it does not have", { losses: [{ loss: "cross-entropy", smooth: 1 }] }, "option-unknown", /smooth/],
  ["an output that there is not", { losses: [{ loss: "l1", output: "yy" }] }, "loss-output", /"yy"/],
  ["cross-entropy on a sigmoid", { losses: [{ loss: "cross-entropy", output: "s" }] }, "loss-output", /does not fit/],
  [
    "yes or no on a softmax",
    { losses: [{ loss: "binary-cross-entropy", output: "z" }] },
    "loss-output",
    /does not fit/,
  ],
  [
    "an output without rows for samples",
    { losses: [{ loss: "l1", output: "n" }] },
    "loss-output",
    /row for each sample/,
  ],
  [
    "class weights of another count",
    { losses: [{ loss: "cross-entropy", classWeights: [1, 2] }] },
    "loss-output",
    /weights/,
  ],
  ["an optimizer that there is not", { optimizer: { name: "adamm" } }, "optimizer-unknown", /adamm/],
  ["an optimizer's wrong option", { optimizer: { name: "sgd", momentum: 1 } }, "option-invalid", /momentum/],
  [
    "looking ahead without momentum",
    { optimizer: { name: "sgd", momentum: 0, nesterov: true } },
    "option-invalid",
    /momentum/,
  ],
  ["a pattern that names nothing", { train: ["classifier*"] }, "pattern-unmatched", /classifier/],
  ["a broken regular expression", { freeze: ["/(/"] }, "pattern-wrong", /regular expression/],
  ["nothing left to train", { freeze: ["w"] }, "weights-none", /No weight is left/],
  ["dropout after nothing", { dropout: { tail: 0.5 } }, "pattern-unmatched", /tail/],
  ["dropout of everything", { dropout: { head: 1 } }, "dropout-rate", /dropout/],
])("%s is refused before anything runs", async (_, options, code, message) => {
  const prepared = await network();
  const error = refusal(() => buildStep(prepared, { ...sgd, ...options }));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(message);
  expect(error.kind).toBe("invalid");
});

test("a model without weights is refused by what it has", async () => {
  const build = graphBuilder();
  build.input("x", "float32", [4, 5]);
  build.output(build.node("Relu", ["x"], { outputs: ["y"] }), "float32", [4, 5]);
  const prepared = await prepare(build.model(), { feeds: { x: floats([4, 5], Array(20).fill(1)) } }, engineServices());
  const error = refusal(() => buildStep(prepared, sgd));
  expect(error.code).toBe("weights-none");
  expect(error.hint).toMatch(/int8/);
});

test("the head is recognised: a softmax is trained on its logits, a number on the output itself", async () => {
  const prepared = await network();
  const nodes = (loss: LossChoice) => buildStep(prepared, { ...sgd, losses: [loss] }).model.graph.nodes;
  const count = (loss: LossChoice, opType: string) => nodes(loss).filter((node) => node.opType === opType).length;
  expect(count({ loss: "cross-entropy", output: "z" }, "Softmax")).toBe(0);
  expect(count({ loss: "cross-entropy", output: "z" }, "LogSoftmax")).toBe(1);
  expect(count({ loss: "binary-cross-entropy", output: "s" }, "Sigmoid")).toBe(1);
  expect(count({ loss: "mean-squared", output: "z" }, "Softmax")).toBe(1);
});

describe("labels", () => {
  test.each<[string, LossChoice, readonly Label[], string, string, RegExp]>([
    [
      "a class too large",
      { loss: "cross-entropy" },
      [0, 1, 3, 2],
      "label-range",
      "sample 2",
      /whole numbers from 0 to 2/,
    ],
    ["a negative class", { loss: "cross-entropy" }, [0, -1, 1, 2], "label-range", "sample 1", /or -100/],
    ["half a class", { loss: "cross-entropy" }, [0.5, 1, 1, 2], "label-range", "sample 0", /whole numbers/],
    ["none", { loss: "cross-entropy" }, [0, 1, 2, undefined], "label-missing", "sample 3", /class indices/],
    [
      "a vector for a class",
      { loss: "cross-entropy" },
      [[0, 1, 0], 1, 1, 2],
      "label-form",
      "sample 0",
      /one of class indices/,
    ],
    ["a class for a vector", { loss: "l1" }, [[0, 1, 0], 1, 1, 2], "label-form", "sample 1", /3 numbers a sample/],
    [
      "what is no number",
      { loss: "l1" },
      [
        [0, 1, 0],
        [0, Number.NaN, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
      "label-range",
      "sample 1",
      /finite/,
    ],
    [
      "more than yes",
      { loss: "binary-cross-entropy", output: "s" },
      [
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 2],
      ],
      "label-range",
      "sample 3",
      /at most 1/,
    ],
    [
      "probabilities that do not add up",
      { loss: "kl" },
      [
        [0.2, 0.3, 0.5],
        [0.2, 0.3, 0.4],
        [1, 0, 0],
        [1, 0, 0],
      ],
      "label-range",
      "sample 1",
      /sum of 1/,
    ],
    [
      "text",
      { loss: "l1" },
      [{ dtype: "string", dims: [3], data: ["a", "b", "c"] }, 1, 1, 1],
      "label-form",
      "sample 0",
      /numbers/,
    ],
  ])("%s: refused with the sample", async (_, loss, labels, code, sample, expected) => {
    const [target] = buildStep(await network(), { ...sgd, losses: [loss] }).targets;
    const error = refusal(() => target!.collate(labels));
    expect(error.code).toBe(code);
    expect(error.node).toContain(sample);
    expect(error.expected).toMatch(expected);
  });

  test("values of every integer and float type are taken, and the index that does not count", async () => {
    const [target] = buildStep(await network(), sgd).targets;
    const int64: Label = { dtype: "int64", dims: [1], data: BigInt64Array.of(2n) };
    const half: Label = { dtype: "float16", dims: [1], data: Uint16Array.of(0x3c00) };
    expect(target!.collate([0, int64, half, -100])).toEqual({
      dtype: "int32",
      dims: [4],
      data: Int32Array.of(0, 2, 1, -100),
    });
  });

  test("samples of several rows have a label for each row", async () => {
    const [target] = buildStep(await network(), sgd).targets;
    expect(
      target!.collate([
        [0, 1],
        [2, 0],
      ]).data,
    ).toEqual(Int32Array.of(0, 1, 2, 0));
    expect(refusal(() => target!.collate([[0, 1], 2])).code).toBe("label-form");
  });

  test("sequences of any length up to the stated one, where they can be spelled", async () => {
    const build = graphBuilder();
    build.input("x", "float32", [2, 3, 5]);
    build.initializer(
      "w",
      float32(
        [5, 4],
        Array.from({ length: 20 }, (_, i) => Math.sin(i)),
      ),
    );
    build.output(build.node("MatMul", ["x", "w"], { outputs: ["y"] }), "float32", [2, 3, 4]);
    const x = floats([2, 3, 5], Array(30).fill(0.1));
    const prepared = await prepare(build.model(), { feeds: { x } }, engineServices());
    const [target] = buildStep(prepared, { ...sgd, losses: [{ loss: "ctc", length: 3 }] }).targets;
    expect(
      target!.collate([
        [1, 2, 3],
        [3, -100, -100],
      ]).data,
    ).toEqual(Int32Array.of(1, 2, 3, 3, -100, -100));
    expect(refusal(() => target!.collate([[1], [0]]))).toMatchObject({
      code: "label-range",
      node: "sample 1 of the batch",
    });
    expect(refusal(() => target!.collate([[1], [1, 1, 2]]))).toMatchObject({
      code: "label-form",
      found: "3 labels, which take 4 positions",
    });
    expect(refusal(() => target!.collate([[1], undefined])).code).toBe("label-missing");
  });
});
