import { describe, expect, it } from "vitest";
import type { Sample } from "../../data/dataset.js";
import type { Value } from "../../tensor/value.js";
import { accuracyMetric, accuracyMetrics } from "./index.js";

const scores = (dims: readonly number[], data: readonly number[], name = "y") => ({
  [name]: { dtype: "float32", dims, data: Float32Array.from(data) } satisfies Value,
});
const sample = (label?: Sample["label"]): Sample =>
  label === undefined ? { feeds: {}, id: "a" } : { feeds: {}, id: "a", label };
const tokens = (ids: readonly number[]): Value => ({
  dtype: "int64",
  dims: [1, ids.length],
  data: BigInt64Array.from(ids, BigInt),
});
function run(name: string, ...pairs: readonly (readonly [Record<string, Value>, Sample["label"]])[]) {
  const metric = accuracyMetrics.get(name).start();
  for (const [outputs, label] of pairs) metric.add(outputs, sample(label));
  return metric.result();
}

describe("top-1", () => {
  it("counts the highest score, top-5 beside it", () => {
    const result = run(
      "top-1",
      [scores([1, 7], [0, 1, 2, 3, 4, 5, 9]), 6],
      [scores([1, 7], [0, 1, 2, 3, 4, 5, 9]), 2],
      [scores([1, 7], [0, 1, 2, 3, 4, 5, 9]), 1],
    );
    expect(result).toEqual({ value: 1 / 3, samples: 3, extra: { "top-5": 2 / 3 }, perSample: [1, 0, 0] });
  });

  it("scores each row of a batch, and the output called logits first", () => {
    const outputs = { ...scores([2, 2], [9, 0, 9, 0], "hidden"), ...scores([2, 2], [0, 1, 1, 0], "logits") };
    expect(run("top-1", [outputs, [1, 1]]).perSample).toEqual([1, 0]);
  });

  it("never counts a model that gives NaN as right", () => {
    expect(run("top-1", [scores([1, 6], Array(6).fill(Number.NaN)), 3])).toMatchObject({
      value: 0,
      extra: { "top-5": 0 },
    });
  });

  it("refuses labels that are no class of the model, or too few", () => {
    expect(() => run("top-1", [scores([1, 3], [0, 1, 2]), 3])).toThrow("not one of the model's classes");
    expect(() => run("top-1", [scores([2, 3], [0, 1, 2, 0, 1, 2]), 1])).toThrow("do not fit");
  });
});

describe("f1", () => {
  it("is of class 1 with two classes", () => {
    const found = [1, 1, 0, 0, 1];
    const labels = [1, 0, 1, 0, 1];
    const pairs = found.map((one, i) => [scores([1, 2], one ? [0, 1] : [1, 0]), labels[i]] as const);
    expect(run("f1", ...pairs)).toEqual({ value: 2 / 3, samples: 5, extra: { "top-1": 0.6 } });
  });

  it("is the mean over the classes that occur with more", () => {
    const hot = (i: number) =>
      scores(
        [1, 4],
        [0, 1, 2, 3].map((j) => Number(i === j)),
      );
    // Class 0: 2 of 2 found, 1 wrong (F1 0.8); class 1: half (2/3); class 2: 0; class 3 never occurs.
    const result = run("f1", [hot(0), 0], [hot(0), 0], [hot(1), 1], [hot(0), 1], [hot(1), 2]);
    expect(result.value).toBeCloseTo((0.8 + 0.5 + 0) / 3, 12);
  });
});

describe("spearman", () => {
  it("gives equal ranks to equal values (value: numpy.corrcoef of the ranks)", () => {
    const found = [1, 2, 2, 3, 10, 0.5];
    const labels = [2, 1, 3, 3, 5, 1];
    const pairs = found.map((one, i) => [scores([1, 1], [one]), labels[i]] as const);
    expect(run("spearman", ...pairs).value).toBeCloseTo(0.8060599359358184, 12);
  });
});

describe("mean-error", () => {
  it("is the mean distance, its root mean square beside it", () => {
    expect(run("mean-error", [scores([1, 1], [1]), 3], [scores([1, 1], [0]), -4])).toEqual({
      value: 3,
      samples: 2,
      extra: { rmse: Math.sqrt(10) },
      perSample: [2, 4],
    });
  });

  it("takes a target tensor", () => {
    const target: Value = { dtype: "float32", dims: [1, 2, 2], data: Float32Array.of(0, 0, 1, 1) };
    expect(run("mean-error", [scores([1, 2, 2], [1, 3, 1, 1]), target]).perSample).toEqual([2, 0]);
  });
});

describe("perplexity", () => {
  it("of a model that knows nothing is the size of the vocabulary", () => {
    const result = run("perplexity", [scores([1, 3, 8], Array(24).fill(7)), tokens([1, 2, -100])]);
    expect(result.value).toBeCloseTo(8, 10);
    expect(result.samples).toBe(2);
  });

  it("tells the mean loss of each text, for tokens of one text are not independent", () => {
    const even = scores([1, 2, 4], Array(8).fill(0));
    const sure = scores([1, 1, 2], [0, -Math.log(3)]);
    const result = run("perplexity", [even, tokens([0, 3])], [sure, tokens([1])], [sure, tokens([-100])]);
    expect(result.perDocument?.items).toEqual([2, 1]);
    expect(result.perDocument?.loss[0]).toBeCloseTo(Math.log(4), 6);
    expect(result.perDocument?.loss[1]).toBeCloseTo(Math.log(4), 6);
    expect(result).toMatchObject({ samples: 3 });
    expect(result.perSample).toBeUndefined();
    expect(result.value).toBeCloseTo(4, 6);
  });

  it("does not overflow", () => {
    const result = run("perplexity", [scores([1, 1, 2], [5000, 5000 - Math.log(3)]), tokens([0])]);
    expect(result.value).toBeCloseTo(4 / 3, 3);
  });
});

describe("which metric", () => {
  const cases = [
    ["top-1", scores([1, 3], [0, 0, 0]), 2],
    ["mean-error", scores([1, 1], [0]), 2],
    ["mean-error", scores([1, 3], [0, 0, 0]), [0.5, 1, 2]],
    ["perplexity", scores([1, 2, 3], [0, 0, 0, 0, 0, 0]), tokens([1, -100])],
    [undefined, scores([1, 3], [0, 0, 0]), undefined],
  ] as const;
  it.each(cases)("%s", (name, outputs, label) => {
    expect(accuracyMetric(undefined, outputs, sample(label))?.name).toBe(name);
  });

  it("is the stated one, if it exists", () => {
    expect(accuracyMetric("f1", scores([1, 2], [0, 1]), sample(1))?.name).toBe("f1");
    expect(() => accuracyMetric("f2", {}, sample(1))).toThrow('no accuracy metric "f2"');
  });
});
