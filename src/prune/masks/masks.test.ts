// Zeros in weights: which ones, exactly; in every place where a weight stands; and nothing held of weights that are not pulled.
// Long because each case stands with the model that it needs.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { everyOperator, feeds } from "../../../tests/support/every-operator.js";
import { services } from "../../../tests/support/services.js";
import { stepContext } from "../../../tests/support/step-context.js";
import { spiralModel, spirals } from "../../../tests/support/train-case.js";
import { run } from "../../engine/run.js";
import { graphAttribute, int, ints } from "../../ir/attributes.js";
import { graphBuilder, makeFunction } from "../../ir/build.js";
import type { Graph, Model } from "../../ir/model.js";
import { everyGraph } from "../../ir/traverse.js";
import { verify } from "../../ir/verify.js";
import { floats } from "../../kernels/numbers.js";
import { elementCount } from "../../tensor/dtype.js";
import { toFloat16 } from "../../tensor/float16.js";
import { random } from "../../tensor/random.js";
import { derivedData, float32, type Tensor, tensor } from "../../tensor/tensor.js";
import { functionBody } from "../../weights/function-bodies.js";
import { pruneModel, pruneStep } from "../prune.js";

const prune = (model: Model, options: object, context = stepContext([feeds])) =>
  pruneModel(model, pruneStep.options.parse(options), context);

/** All float weights of all graphs and functions, as numbers. */
async function numbersOf(model: Model): Promise<Map<string, Float32Array>> {
  const graphs: Graph[] = [...everyGraph(model), ...model.functions.map(functionBody)];
  const found = new Map<string, Float32Array>();
  for (const { initializers } of graphs) {
    for (const [name, value] of initializers) {
      if (value.sparse || (value.dtype !== "float32" && value.dtype !== "float16")) continue;
      found.set(name, floats((await value.data.read()).slice(), value.dtype));
    }
  }
  return found;
}

const zerosIn = (values: Float32Array) => values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);

/** x [2, 24] by matrices of the given sizes, each for itself. */
function products(weights: Readonly<Record<string, Tensor>>): Model {
  const b = graphBuilder();
  for (const [name, one] of Object.entries(weights)) {
    const x = b.input(`x_${name}`, "float32", [2, one.dims[0]!]);
    const w = b.initializer(name, one);
    const wide = one.dtype === "float16" ? b.node("Cast", [w], { attributes: { to: int(1) } }) : w;
    b.output(b.node("MatMul", [x, wide]), "float32", [2, one.dims[1]!]);
  }
  return b.model({ opset: 17 });
}

const drawn = (seed: number, ...dims: number[]) => {
  const { normal } = random(seed);
  return float32(dims, Array.from({ length: elementCount(dims) }, normal));
};

describe("every operator", () => {
  const model = everyOperator();
  const TABLES = new Set(["table", "tied"]);

  test("global l1 zeros the least of all matrices, to the element, and nothing else changes", async () => {
    const made = await prune(model, { ratio: 0.6 });
    expect(verify(made.model)).toEqual([]);
    const [before, after] = [await numbersOf(model), await numbersOf(made.model)];
    expect([...after.keys()]).toEqual([...before.keys()]);
    const rows = made.table.filter(({ reason }) => reason === undefined).map(({ name }) => name);
    expect(rows.length).toBeGreaterThan(15);
    for (const table of TABLES) expect(rows).not.toContain(table);
    const magnitudes = rows.flatMap((name) => [...before.get(name)!].map(Math.abs)).sort((a, b) => a - b);
    const threshold = magnitudes[Math.round(0.6 * magnitudes.length) - 1]!;
    for (const [name, values] of before) {
      const expected = rows.includes(name) ? values.map((one) => (Math.abs(one) <= threshold ? 0 : one)) : values;
      expect(after.get(name), name).toEqual(expected);
    }
  });

  test.each(["2:4", "row", "column", "4x4"])("%s runs, and what it says is what is zero", async (structure) => {
    const made = await prune(model, { structure });
    const after = await numbersOf(made.model);
    for (const { name, elements, ratio } of made.table) {
      const zeros = zerosIn(after.get(name)!);
      expect(zeros, name).toBe(elements.before - elements.after);
      expect(ratio).toBeCloseTo(zeros / elements.before, 9);
    }
    expect(made.table.some(({ ratio }) => ratio > 0.4)).toBe(true);
    expect(Object.keys(await run(made.model, feeds, services)).length).toBe(model.graph.outputs.length);
  });
});

test("the masked model computes what the model with the same zeros written by hand computes", async () => {
  const w = drawn(1, 24, 10);
  const values = floats((await w.data.read()).slice(), "float32");
  const cut = [...values].map(Math.abs).sort((a, b) => a - b)[119]!;
  const made = await prune(products({ w }), { ratio: 0.5 });
  const byHand = products({
    w: float32(
      [24, 10],
      values.map((one) => (Math.abs(one) <= cut ? 0 : one)),
    ),
  });
  const x = {
    x_w: { dtype: "float32" as const, dims: [2, 24], data: Float32Array.from({ length: 48 }, (_, i) => i / 7 - 3) },
  };
  expect(await run(made.model, x, services)).toEqual(await run(byHand, x, services));
});

test("2:4 leaves two of every four inputs of each output, and of the rest at the end no more than two", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 19 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom([2, 4], [1, 4], [4, 8], [1, 3]),
      async (inputs, outputs, [keep, of]) => {
        fc.pre(inputs > keep!);
        const w = drawn(inputs * 31 + outputs, inputs, outputs);
        const before = floats((await w.data.read()).slice(), "float32");
        const made = await prune(products({ w }), { structure: `${keep}:${of}` }, stepContext());
        const after = (await numbersOf(made.model)).get("w")!;
        for (let column = 0; column < outputs; column++) {
          for (let first = 0; first < inputs; first += of!) {
            const group = Array.from(
              { length: Math.min(of!, inputs - first) },
              (_, at) => (first + at) * outputs + column,
            );
            const left = group.filter((at) => after[at] !== 0);
            expect(left).toHaveLength(Math.min(keep!, group.length));
            const least = Math.min(...left.map((at) => Math.abs(before[at]!)));
            for (const at of group) if (after[at] === 0) expect(Math.abs(before[at]!)).toBeLessThanOrEqual(least);
          }
        }
      },
    ),
    { numRuns: 25 },
  );
});

test("float16 weights keep the bits of what stays", async () => {
  const bits = toFloat16(floats((await drawn(3, 24, 8).data.read()).slice(), "float32"));
  const w = tensor("float16", [24, 8], bits);
  const made = await prune(products({ w, v: drawn(4, 24, 8) }), { ratio: 0.5, scope: "uniform" });
  const after = made.model.graph.initializers.get("w")!;
  expect(after.dtype).toBe("float16");
  const bytes = (await (after as Tensor).data.read()).slice();
  const words = new Uint16Array(bytes.buffer);
  let zeros = 0;
  for (const [at, word] of words.entries()) {
    if (word === 0) zeros++;
    else expect(word).toBe(bits[at]);
  }
  expect(zeros).toBe(96);
});

test("a weight that is shared or seen transposed is one weight, with rows as its operators see them", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [2, 6]);
  b.initializer(
    "w",
    float32([4, 6], [...Array(6).fill(3), ...Array(6).fill(1), ...Array(6).fill(4), ...Array(6).fill(2)]),
  );
  const turned = b.node("Transpose", ["w"], { attributes: { perm: ints([1, 0]) } });
  b.output(b.node("MatMul", ["x", turned]), "float32", [2, 4]);
  b.output(b.node("Gemm", ["x", "w"], { attributes: { transB: int(1) } }), "float32", [2, 4]);
  const made = await prune(b.model({ opset: 17 }), { structure: "row", ratio: 0.5 }, stepContext());
  const after = (await numbersOf(made.model)).get("w")!;
  expect([0, 6, 12, 18].map((at) => after[at])).toEqual([3, 0, 4, 0]);
});

test("weights of branches, functions and Constant nodes are pruned where they stand", async () => {
  const b = graphBuilder();
  b.input("x", "float32", [3, 8]);
  b.input("flag", "bool", []);
  const branch = (name: string) => {
    const inner = graphBuilder(name, `${name}_`);
    inner.initializer(`${name}_w`, drawn(7, 8, 8));
    inner.output(inner.node("MatMul", ["x", `${name}_w`]), "float32", [3, 8]);
    return graphAttribute(inner.graph());
  };
  const chosen = b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } });
  const body = graphBuilder("Layer");
  body.input("h", "float32");
  const constant = (name: string, value: Tensor) => ({
    outputs: [name],
    attributes: { value: { type: "tensor", value } as const },
  });
  body.output(body.node("MatMul", ["h", body.node("Constant", [], constant("inner", drawn(8, 8, 8)))]));
  const called = b.node("Layer", [chosen], { domain: "local" });
  b.output(b.node("MatMul", [called, b.node("Constant", [], constant("outer", drawn(9, 8, 8)))]), "float32", [3, 8]);
  const functions = [makeFunction("local", "Layer", body.graph(), { opset: 17 })];
  const model = b.model({ opset: 17, opsets: { local: 1 }, functions });
  const made = await prune(model, { ratio: 0.25, scope: "uniform" }, stepContext());
  expect(verify(made.model)).toEqual([]);
  const after = await numbersOf(made.model);
  expect(["yes_w", "no_w", "inner", "outer"].map((name) => zerosIn(after.get(name)!))).toEqual([16, 16, 16, 16]);
  const x = { dtype: "float32" as const, dims: [3, 8], data: new Float32Array(24).fill(1) };
  const flag = { dtype: "bool" as const, dims: [], data: Uint8Array.of(1) };
  await run(made.model, { x, flag }, services);
});

test("what is zero already goes first, whatever the score", async () => {
  const values = Float32Array.from({ length: 64 }, (_, at) => (at % 2 === 0 ? 0 : 1));
  const made = await prune(products({ w: float32([8, 8], values) }), { ratio: 0.5, score: "random" }, stepContext());
  expect((await numbersOf(made.model)).get("w")).toEqual(values);
});

test("steps lead to the same share, and zeros stay", async () => {
  const model = products({ w: drawn(11, 24, 10), v: drawn(12, 24, 10) });
  const counts: number[] = [];
  for (const steps of [1, 4]) {
    const made = await prune(model, { ratio: 0.8, steps, score: "random", seed: 5 });
    const after = await numbersOf(made.model);
    counts.push([...after.values()].reduce((sum, values) => sum + zerosIn(values), 0));
  }
  expect(counts).toEqual([384, 384]);
});

test("keep, only and layers say what goes of which layer", async () => {
  const model = products({ a: drawn(1, 10, 10), b: drawn(2, 10, 10), c: drawn(3, 10, 10) });
  const zeros = async (options: object) => {
    const after = await numbersOf((await prune(model, options, stepContext())).model);
    return ["a", "b", "c"].map((name) => zerosIn(after.get(name)!));
  };
  expect(await zeros({ ratio: 0.5, keep: ["a"], scope: "uniform" })).toEqual([0, 50, 50]);
  expect(await zeros({ ratio: 0.5, only: ["c"] })).toEqual([0, 0, 50]);
  expect(await zeros({ ratio: 0.5, layers: { "*": 0.1, b: 0.8 } })).toEqual([10, 80, 10]);
  // The goal is that of the layers that have none of their own.
  expect(await zeros({ ratio: 0.4, layers: { a: 0 }, scope: "uniform" })).toEqual([0, 40, 40]);
  expect(await zeros({ ratio: 0.4, layers: { a: 0.9 }, scope: "erk" })).toEqual([90, 40, 40]);
});

test("a goal that the layers cannot meet is said", async () => {
  const made = await prune(products({ w: drawn(1, 2, 2) }), { structure: "row", ratio: 0.9 }, stepContext());
  expect(made.notes.filter(({ code }) => code === "goal-missed")).toHaveLength(1);
});

test("a model without weights is given back, and that is said", async () => {
  const b = graphBuilder();
  b.output(b.node("Relu", [b.input("x", "float32", [2])]), "float32", [2]);
  const model = b.model();
  const made = await prune(model, {}, stepContext());
  expect(made.model).toBe(model);
  expect(made.notes.map(({ code }) => code)).toContain("nothing-pruned");
});

test("weights that are not finite are refused by name", async () => {
  const w = float32([2, 2], [1, Number.NaN, 2, 3]);
  await expect(prune(products({ w }), {}, stepContext())).rejects.toMatchObject({
    code: "weight-not-finite",
    node: "w",
  });
});

describe("streaming", () => {
  /** Counts who reads, and how many bytes are asked for at a time. */
  const watched = (name: string, reads: string[], seed: number): Tensor => {
    const { dims, dtype, data } = drawn(seed, 24, 10);
    return {
      dtype,
      dims,
      data: derivedData(data.byteLength, async function* () {
        reads.push(name);
        yield (await data.read()).slice();
      }),
    };
  };

  test.each([
    { scope: "uniform", passes: 0 },
    { scope: "erk", passes: 0 },
    { scope: "global", passes: 3 },
    { scope: "lamp", passes: 3 },
  ])(
    "$scope reads each weight in $passes passes, one after the other, and again when it is pulled",
    async ({ scope, passes }) => {
      const reads: string[] = [];
      const model = products({ a: watched("a", reads, 1), b: watched("b", reads, 2) });
      // The engine would read them to count multiply-accumulates.
      const context = { ...stepContext(), runtime: async () => Promise.reject(new Error("not here")) };
      const made = await prune(model, { scope, ratio: 0.3 }, context);
      // For each pass: the score reads it, and zeros are looked for.
      expect(reads).toEqual(Array.from({ length: passes }, () => ["a", "a", "b", "b"]).flat());
      reads.length = 0;
      const once = await (made.model.graph.initializers.get("b") as Tensor).data.read();
      expect(new Set(reads)).toEqual(new Set(["b"]));
      expect(await (made.model.graph.initializers.get("b") as Tensor).data.read()).toEqual(once);
    },
  );
});

describe("options that contradict each other or would do nothing", () => {
  const model = products({ w: drawn(1, 8, 8) });
  test.each([
    [{ ratio: 0.5, macs: 0.5 }, /each say how much/],
    [{ latency: 0.5 }, /no model faster/],
    [{ bytes: "1MB" }, /no goal of bytes/],
    [{ macs: "30M" }, /no share/],
    [{ score: "fpgm" }, /one of channels/],
    [{ structure: "2:4", ratio: 0.3 }, /would do nothing/],
    [{ structure: "2:4", scope: "uniform" }, /scope would do nothing/],
    [{ structure: "4:2" }, /cannot stay/],
    [{ structure: "1x1" }, /single elements/],
    [{ schedule: "one-shot", steps: 3 }, /has one step/],
    [{ schedule: "cubic" }, /needs steps/],
    [{ roundTo: 8 }, /about channels/],
    [{ gradual: {} }, /done while training/],
    [{ gradual: {}, finetune: {}, steps: 3 }, /schedule of its own/],
    [{ gradual: {}, finetune: {}, structure: "channel" }, /writes zeros/],
    [{ structure: "layer", score: "l2" }, /would do nothing/],
  ])("%j", async (options, message) => {
    await expect(prune(model, options)).rejects.toThrow(message);
    await expect(prune(model, options)).rejects.toMatchObject({ kind: "invalid" });
  });
});

describe("with training", () => {
  const context = { ...stepContext(), data: spirals() };
  const finetune = { batch: 8, steps: 40, lr: 0.02, evaluateEvery: 5 };
  const matrices = ["w0", "w1"];
  const zeros = async (model: Model) => {
    const after = await numbersOf(model);
    return matrices.reduce((sum, name) => sum + zerosIn(after.get(name)!), 0);
  };

  test("zeros hold while what is left is trained, step after step", async () => {
    const made = await prune(spiralModel(), { ratio: 0.75, steps: 2, finetune: { ...finetune, steps: 12 } }, context);
    expect(await zeros(made.model)).toBe(60);
    expect(made.recovered!.log.length).toBeGreaterThan(0);
    const [before, after] = [await numbersOf(spiralModel()), await numbersOf(made.model)];
    expect(after.get("w1")).not.toEqual(before.get("w1")!.map((one, at) => (after.get("w1")![at] === 0 ? 0 : one)));
  });

  test("gradually, between updates, by any scope and structure", async () => {
    const gradual = { every: 8 };
    const made = await prune(spiralModel(), { ratio: 0.75, scope: "lamp", finetune, gradual }, context);
    expect(await zeros(made.model)).toBe(60);
    expect(made.table.reduce((sum, { elements }) => sum + elements.before - elements.after, 0)).toBe(60);
    const pattern = await prune(spiralModel(), { structure: "1:4", finetune, gradual }, context);
    // Of the 16 inputs of each output of w1 one of every four stays; w0 sums only two, of which one stays.
    expect(await zeros(pattern.model)).toBe(36 + 16);
  });
});
