// What every method of every list promises, whatever its kind: a name, a line of help, options that can be written
// down; and what each kind promises beside. A new method is in these tests from the moment it is listed.
// Long because it holds the promises of every kind of method.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { PareError } from "../../src/base/errors.js";
import { parseOptions } from "../../src/base/options.js";
import type { Sample } from "../../src/data/dataset.js";
import { readers, tokenizers } from "../../src/data/index.js";
import { placeAt } from "../../src/data/place.js";
import { checkSpec } from "../../src/data/spec.js";
import { graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { verify } from "../../src/ir/verify.js";
import { measure } from "../../src/measure.js";
import { methods } from "../../src/methods.js";
import { accuracyMetrics } from "../../src/metrics/accuracy/index.js";
import { metrics } from "../../src/metrics/index.js";
import { reportSchema } from "../../src/metrics/report.js";
import { toBytes } from "../../src/onnx/encode.js";
import { passes } from "../../src/passes/index.js";
import { steps } from "../../src/recipe.js";
import { reports } from "../../src/report/index.js";
import { targets } from "../../src/targets/index.js";
import { random } from "../../src/tensor/random.js";
import { float32 } from "../../src/tensor/tensor.js";
import type { Value } from "../../src/tensor/value.js";
import { emptyRow, sampleReport } from "../support/sample-report.js";
import { dataServices } from "../support/score.js";
import { stepContext } from "../support/step-context.js";
import { gemms } from "../support/zoo/plain.js";

const folder = mkdtempSync(join(tmpdir(), "pare-registries-"));
afterAll(() => rmSync(folder, { recursive: true }));

const named = <T extends { readonly name: string }>(list: readonly T[]) =>
  list.map((method) => [method.name, method] as const);

test("each list is of a kind of its own", () => {
  expect(methods.length).toBeGreaterThanOrEqual(10);
  expect(new Set(methods.map(({ kind }) => kind)).size).toBe(methods.length);
});

const all = methods.flatMap(({ kind, list }) => list.map((method) => [kind, method.name, method] as const));

describe.each(all)("%s %s", (_, name, method) => {
  test("has a kebab-case name, and a summary of one line", () => {
    // "custom:" is for methods from outside.
    expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(method.summary.trim()).toBe(method.summary);
    expect(method.summary).toMatch(/^[^\n]{10,160}$/);
  });

  test("refers to an address or to a work with its year, section or version", () => {
    if (method.reference === undefined) return;
    if (/^https?:/.test(method.reference)) expect(URL.canParse(method.reference.split(/[ ,]/)[0]!)).toBe(true);
    else expect(method.reference).toMatch(/^[A-Z].{10,}\d/);
  });

  test("has closed options, each with a description", () => {
    const { options } = method;
    if (options === undefined) return;
    expect(options).toBeInstanceOf(z.ZodObject);
    for (const [key, schema] of Object.entries(options.shape)) {
      if (schema instanceof z.ZodLiteral) continue;
      expect(description(schema as z.ZodType), key).toMatch(/\S.{3,}/);
    }
    const nonsense = { ...stated(options), nonsense: 1 };
    expect(() => parseOptions(method, nonsense, name)).toThrow(/nonsense/);
  });

  test("takes no options where all have defaults", () => {
    const { options } = method;
    if (options === undefined || required(options).length > 0) return;
    const first = parseOptions(method, {}, name);
    // Parsing what was parsed changes nothing: a recipe in an output can be run again.
    expect(parseOptions(method, first, name)).toEqual(first);
  });
});

/** Through `optional` and `default` to what the method wrote. */
function description(schema: z.ZodType): string | undefined {
  if (schema.description !== undefined) return schema.description;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault) {
    return description(schema.unwrap() as z.ZodType);
  }
  return undefined;
}

/** Keys that have to be stated. */
const required = (options: z.ZodObject): string[] =>
  Object.entries(options.shape)
    .filter(([, schema]) => !(schema as z.ZodType).safeParse(undefined).success)
    .map(([key]) => key);

/** The least that has to be said: for each required key the first of a few values that it takes. */
function stated(options: z.ZodObject): Record<string, unknown> {
  const of = (schema: z.ZodType) =>
    schema instanceof z.ZodLiteral
      ? schema.value
      : ["a", 1, [1], { from: "file", file: "a" }].find((value) => schema.safeParse(value).success);
  return Object.fromEntries(required(options).map((key) => [key, of(options.shape[key] as z.ZodType)]));
}

const { model, feeds } = gemms();
const bytesOf = (of: Model) => toBytes(of).then((bytes) => Buffer.from(bytes).toString("base64"));

/** Where the defaults are for more data than one batch. */
const ASKED: Readonly<Record<string, object>> = { finetune: { steps: 2, batch: 4 } };
/** Labels for those that learn: a class for each of the four rows. */
const context = () => stepContext([feeds], "any", [1, 2, 3, 4]);

describe.each(named(steps.list))("step %s", (_, step) => {
  const apply = () => step.apply(model, step.options.parse(ASKED[step.name] ?? {}), context());

  test("gives a model that is well formed, and leaves the input alone", async () => {
    const before = await bytesOf(model);
    const frozen = [model.graph, [...model.graph.initializers], [...model.graph.nodes]];
    const result = await apply();
    expect(verify(result.model)).toEqual([]);
    expect(await bytesOf(model)).toBe(before);
    expect([model.graph, [...model.graph.initializers], [...model.graph.nodes]]).toEqual(frozen);
    for (const note of result.notes) expect(note.code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
  });

  test("gives the same bytes every time", async () => {
    expect(await bytesOf((await apply()).model)).toBe(await bytesOf((await apply()).model));
  });
});

describe.each(named(passes.list))("pass %s", (_, pass) => {
  test("finds nothing to do in its own result, and says so with the model itself", async () => {
    const first = await pass.apply(model, stepContext());
    expect(first.changed).toBe(first.model !== model);
    expect(verify(first.model)).toEqual([]);
    const second = await pass.apply(first.model, stepContext());
    expect(second.changed).toBe(false);
    expect(second.model).toBe(first.model);
  });
});

describe("metrics", () => {
  /** x [1, 4] times a matrix: its second form has another weight. */
  const small = (weight: number) => {
    const b = graphBuilder();
    const w = b.initializer(
      "w",
      float32(
        [4, 4],
        Float32Array.from({ length: 16 }, (_, i) => (i % 5) * weight),
      ),
    );
    b.output(b.node("MatMul", [b.input("x", "float32", [1, 4]), w], { outputs: ["logits"] }), "float32", [1, 4]);
    return b.model();
  };
  const samples = Array.from({ length: 6 }, (_, i): Sample => {
    const data = Float32Array.from([1, i, 2, -i]);
    return { feeds: { x: { dtype: "float32", dims: [1, 4], data } }, label: i % 4, id: String(i) };
  });
  const data = {
    name: "listed",
    size: samples.length,
    labelled: true,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = samples.length } = {}) {
      yield* samples.slice(0, limit);
    },
    split: () => data,
  } as import("../../src/data/dataset.js").Dataset;
  const blank = Object.keys(reportSchema.shape.models.element.shape);

  test.each(named(metrics.list))("%s fills its part of the row, and no other's", async (name, metric) => {
    const report = await measure([small(1), small(0.9)], { metrics: [name], data, runs: 3, threads: 1 });
    expect(report.models).toHaveLength(2);
    for (const row of report.models) for (const key of Object.keys(row)) expect(blank).toContain(key);
    const [reference, other] = report.models;
    // Fidelity is against the reference, which has none.
    expect(metric.value(name === "fidelity" ? other! : reference!)).toEqual(expect.any(Number));
    for (const each of metrics.list.filter((one) => one !== metric)) {
      // The file's bytes are 0 in a row that was not measured.
      expect(each.value(other!) ?? 0, each.name).toBe(0);
    }
  });

  test.each(named(metrics.list))("%s reads null out of an empty row, or zero bytes", (_, metric) => {
    expect(metric.value(emptyRow) ?? 0).toBe(0);
  });
});

/** Outputs that are right beyond doubt, for the labels that each metric takes. A metric without a row fails here. */
const PERFECT: Readonly<Record<string, { best: number; sample(i: number): readonly [Value, Sample["label"]] }>> = {
  "top-1": { best: 1, sample: (i) => [hot(4, i % 4), i % 4] },
  f1: { best: 1, sample: (i) => [hot(2, i % 2), i % 2] },
  spearman: { best: 1, sample: (i) => [floats([1, 1], [i * 3]), i] },
  "mean-error": { best: 0, sample: (i) => [floats([1, 2], [i, -i]), [i, -i]] },
  perplexity: {
    best: 1,
    sample: (i) => [hot(4, i % 4, 1000), { dtype: "int64", dims: [1], data: BigInt64Array.of(BigInt(i % 4)) }],
  },
};
const floats = (dims: readonly number[], data: readonly number[]): Value => ({
  dtype: "float32",
  dims,
  data: Float32Array.from(data),
});
const hot = (size: number, at: number, value = 1) =>
  floats(
    [1, size],
    Array.from({ length: size }, (_, i) => (i === at ? value : 0)),
  );

describe.each(named(accuracyMetrics.list))("accuracy metric %s", (name, metric) => {
  const scored = (pairs: readonly (readonly [Value, Sample["label"]])[]) => {
    const run = metric.start();
    for (const [i, [y, label]] of pairs.entries()) run.add({ y }, { feeds: {}, id: String(i), label: label ?? 0 });
    return run.result();
  };
  const made = Array.from({ length: 12 }, (_, i) => PERFECT[name]!.sample(i));
  /** The same labels with other outputs: some right, some wrong. */
  const mixed = made.map(([, label], i) => [made[(i * 7 + (i % 3)) % 12]![0], label] as const);

  test("gives its best value to what is right, and a worse one to what is not", () => {
    const { best } = PERFECT[name]!;
    expect(scored(made).value).toBeCloseTo(best, 9);
    const worse = scored(mixed).value;
    if (metric.better === "higher") expect(worse).toBeLessThan(best - 0.01);
    else expect(worse).toBeGreaterThan(best + 0.01);
  });

  test("counts every item once, in whatever order they come", () => {
    const first = scored(mixed);
    const draw = random(1);
    const shuffled = mixed
      .map((pair) => [draw.next(), pair] as const)
      .sort(([a], [b]) => a - b)
      .map(([, pair]) => pair);
    const second = scored(shuffled);
    expect(second.value).toBeCloseTo(first.value, 12);
    expect(second.samples).toBe(first.samples);
    expect(first.samples).toBe(12);
  });

  test("what two models are compared by has the value for its mean", () => {
    const { value, perSample, perDocument } = scored(mixed);
    expect(perSample === undefined || perDocument === undefined).toBe(true);
    if (perSample) expect(perSample.reduce((sum, x) => sum + x, 0) / perSample.length).toBeCloseTo(value, 9);
    if (!perDocument) return;
    const tokens = perDocument.items.reduce((sum, count) => sum + count, 0);
    const loss = perDocument.loss.reduce((sum, x, i) => sum + x * perDocument.items[i]!, 0) / tokens;
    expect(Math.exp(loss) / value).toBeCloseTo(1, 9);
  });
});

describe.each(named(reports.list))("report form %s", (name, form) => {
  test("gives the same text for the same report", async () => {
    const text = await form.render(sampleReport());
    expect(text.length).toBeGreaterThan(100);
    expect(await form.render(sampleReport())).toBe(text);
  });

  test("makes nothing of a hostile name", async () => {
    const attack = `<script>alert(1)</script>\u001b[2J\u202e`;
    const report = sampleReport();
    const [first, ...others] = report.models;
    const text = await form.render({ ...report, title: attack, models: [{ ...first!, path: attack }, ...others] });
    expect(text).not.toContain("\u001b[2J");
    if (name !== "json") expect(text).not.toContain("\u202e");
    // JSON and the terminal have no markup: there it is text as any other.
    if (name === "html" || name === "md") expect(text).not.toContain("<script>alert");
    if (name === "json") expect((JSON.parse(text) as { title: string }).title).toBe(attack);
  });

  test("has extensions of its own", () => {
    const others = reports.list.filter((one) => one !== form).flatMap(({ extensions }) => extensions);
    for (const extension of form.extensions) {
      expect(extension).toMatch(/^[a-z]+$/);
      expect(others).not.toContain(extension);
    }
  });
});

describe.each(named(readers.list))("data reader %s", (name, reader) => {
  test("refuses an option that it does not have, and suggests one that it has", () => {
    const known = Object.keys(reader.options.shape)[0]!;
    const misspelt = `${known}x`;
    const attempt = () => checkSpec({ reader: name, ...stated(reader.options), [misspelt]: 1 }, "data.json");
    expect(attempt).toThrow(PareError);
    try {
      attempt();
    } catch (error) {
      expect(error).toMatchObject({ code: "option-unknown", found: misspelt, hint: `Did you mean "${known}"?` });
    }
  });

  test("does not take what is of no kind", () => {
    expect(reader.guess("model.onnx", undefined)).toBeUndefined();
  });
});

/** A file for each kind of tokenizer. A kind without one fails here. */
const TOKENIZER_FILES: Readonly<Record<string, () => Uint8Array>> = {
  huggingface: () =>
    Buffer.from(
      JSON.stringify({
        version: "1.0",
        truncation: null,
        padding: null,
        added_tokens: [],
        normalizer: null,
        pre_tokenizer: { type: "Whitespace" },
        post_processor: null,
        decoder: null,
        model: {
          type: "WordPiece",
          unk_token: "[UNK]",
          continuing_subword_prefix: "##",
          max_input_chars_per_word: 100,
          vocab: { "[UNK]": 0, a: 1, cat: 2 },
        },
      }),
    ),
  vocabulary: () => Buffer.from("[UNK]\na\ncat\n"),
  llama2c: () => {
    const words = [
      "<unk>",
      "<s>",
      "</s>",
      ...Array.from({ length: 256 }, (_, i) => `<0x${i}>`),
      " ",
      "a",
      "c",
      "t",
      "ca",
      "cat",
    ];
    const parts = words.map((word, i) => {
      const text = Buffer.from(word);
      const head = Buffer.alloc(8);
      head.writeFloatLE(i, 0);
      head.writeInt32LE(text.length, 4);
      return Buffer.concat([head, text]);
    });
    return Buffer.concat([Buffer.alloc(4), ...parts]);
  },
};

describe.each(named(tokenizers.list))("tokenizer %s", (name, kind) => {
  const opened = () => {
    const file = `${name}.file`;
    writeFileSync(join(folder, file), TOKENIZER_FILES[name]!());
    return kind.open(kind.options.parse({ type: name, file }), placeAt(folder, dataServices, [], 0));
  };

  test("gives the same ids every time, whole numbers, no more than asked for", async () => {
    const [first, second] = [await opened(), await opened()];
    for (const text of ["a cat", "a cat a cat a cat", "\u{1F408} ça\u0000 \n", ""]) {
      const { ids } = first.encode(text, undefined, 64);
      expect(first.encode(text, undefined, 64).ids).toEqual(ids);
      expect(second.encode(text, undefined, 64).ids).toEqual(ids);
      for (const id of ids) expect(Number.isInteger(id) && id >= 0).toBe(true);
      expect(first.encode(text, "a", 2).ids.length).toBeLessThanOrEqual(2);
    }
    expect(first.encode("a cat", undefined, 64).ids).not.toEqual(first.encode("cat a", undefined, 64).ids);
  });

  test("takes an empty text", async () => {
    const { ids } = (await opened()).encode("", undefined, 8);
    expect(ids.length).toBeLessThanOrEqual(2);
  });
});

describe.each(named(targets.list))("target %s", (_, target) => {
  test("says what is fast there in terms that mean something", () => {
    for (const { bits, accuracyLevel } of target.fast.matMulNBits) {
      expect([2, 4, 8]).toContain(bits);
      expect([0, 1, 2, 3, 4]).toContain(accuracyLevel);
    }
    expect(target.heapLimit).toBeGreaterThan(2 ** 30);
    expect(new Set(target.timedOn).size).toBe(target.timedOn.length);
  });
});
