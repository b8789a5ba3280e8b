// Each pass: what it does, what it leaves alone and why, and on the engine that results stay.

import { describe, expect, it } from "vitest";
import { PareError } from "../../src/base/errors.js";
import { type AttributeInput, float, graphAttribute } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { print } from "../../src/ir/print.js";
import { everyGraph } from "../../src/ir/traverse.js";
import { cleanStep } from "../../src/passes/clean.js";
import { passes } from "../../src/passes/index.js";
import { definePass, sequence, untilStable } from "../../src/passes/pass.js";
import type { StepContext } from "../../src/step/step.js";
import { toFloat16 } from "../../src/tensor/float16.js";
import { random } from "../../src/tensor/random.js";
import { float32, int64, type Tensor, tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { expectSameResults } from "../support/same-results.js";
import { services } from "../support/services.js";
import { zoo } from "../support/zoo.js";

const normals = (dims: readonly number[], seed = 1) => {
  const r = random(seed);
  return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => r.normal());
};
const weight = (dims: readonly number[], seed = 1): Tensor => float32(dims, normals(dims, seed));
const value = (dims: readonly number[], seed = 9): Value => ({ dtype: "float32", dims, data: normals(dims, seed) });

function model(fill: (b: GraphBuilder) => void, options: Parameters<GraphBuilder["model"]>[0] = {}): Model {
  const b = graphBuilder("test");
  fill(b);
  return b.model(options);
}

/** Applies one pass, proves on the engine that results stay, and gives what came out. */
async function proved(name: string, before: Model, feeds: Feeds, tolerance = 0) {
  const text = print(before);
  const result = await passes.get(name).apply(before, services);
  expect(print(before)).toBe(text);
  expect(result.changed).toBe(result.model !== before);
  await expectSameResults(before, result.model, feeds, tolerance);
  const again = await passes.get(name).apply(result.model, services);
  return { ...result, again, operators: result.model.graph.nodes.map((node) => node.opType) };
}

/** 4 ulp of float32 times the depth of the sums here. */
const ROUNDING = 2e-6;

function norm(b: GraphBuilder, x: string, channels: number, attributes: Record<string, AttributeInput> = {}) {
  const positive = (seed: number) =>
    float32(
      [channels],
      normals([channels], seed).map((v) => Math.abs(v) + 0.2),
    );
  const inputs = [
    b.initializer("g", positive(2)),
    b.initializer("b", weight([channels], 3)),
    b.initializer("m", weight([channels], 4)),
    b.initializer("v", positive(5)),
  ];
  return b.node("BatchNormalization", [x, ...inputs], { name: "bn", attributes });
}

describe("fold-batch-norm", () => {
  const cases: [string, readonly number[], (b: GraphBuilder) => string][] = [
    ["Conv", [2, 4, 6, 6], (b) => b.node("Conv", ["x", b.initializer("w", weight([8, 4, 3, 3]))])],
    [
      "grouped Conv with bias",
      [2, 4, 6, 6],
      (b) => {
        const inputs = ["x", b.initializer("w", weight([8, 2, 3, 3])), b.initializer("c", weight([8], 7))];
        return b.node("Conv", inputs, { attributes: { group: 2 } });
      },
    ],
    ["1-D Conv", [2, 4, 9], (b) => b.node("Conv", ["x", b.initializer("w", weight([8, 4, 3]))])],
    [
      "grouped ConvTranspose",
      [2, 4, 5, 5],
      (b) => b.node("ConvTranspose", ["x", b.initializer("w", weight([4, 4, 2, 2]))], { attributes: { group: 2 } }),
    ],
    [
      "Gemm with transB, alpha and beta",
      [3, 5],
      (b) => {
        const inputs = ["x", b.initializer("w", weight([8, 5])), b.initializer("c", weight([8], 7))];
        return b.node("Gemm", inputs, { attributes: { transB: 1, alpha: float(0.5), beta: float(3) } });
      },
    ],
    [
      "Gemm with a scalar bias",
      [3, 5],
      (b) => b.node("Gemm", ["x", b.initializer("w", weight([5, 8])), b.initializer("c", float32([], [2]))]),
    ],
    ["MatMul", [3, 5], (b) => b.node("MatMul", ["x", b.initializer("w", weight([5, 8]))])],
    [
      "MatMul and Add",
      [3, 5],
      (b) =>
        b.node("Add", [b.node("MatMul", ["x", b.initializer("w", weight([5, 8]))]), b.initializer("c", weight([8]))]),
    ],
  ];
  for (const [name, dims, layer] of cases) {
    it(`into ${name}`, async () => {
      const before = model((b) => {
        b.input("x", "float32", dims);
        b.output(norm(b, layer(b), 8, { epsilon: 0.01 }));
      });
      const { operators, notes, again } = await proved("fold-batch-norm", before, { x: value(dims) }, ROUNDING);
      expect(operators).not.toContain("BatchNormalization");
      expect(notes.map((note) => note.code)).toEqual(["batch-norm-folded"]);
      expect(again.changed).toBe(false);
    });
  }

  it("of float16 weights", async () => {
    const half = (dims: readonly number[], seed: number) =>
      tensor("float16", dims, toFloat16(normals(dims, seed).map((v) => Math.abs(v) + 0.2)));
    const before = model(
      (b) => {
        b.input("x", "float16", [1, 2, 4, 4]);
        const y = b.node("Conv", ["x", b.initializer("w", half([4, 2, 3, 3], 1))]);
        const rest = ["g", "b", "m", "v"].map((name, i) => b.initializer(name, half([4], i)));
        b.output(b.node("BatchNormalization", [y, ...rest]));
      },
      { opset: 15 },
    );
    const x = { dtype: "float16", dims: [1, 2, 4, 4], data: toFloat16(normals([32], 3)) } as const;
    // float16 has 11 bits: half a step for the weight, the bias and the result each.
    const { operators } = await proved("fold-batch-norm", before, { x }, 4 * 2 ** -11);
    expect(operators).toEqual(["Conv"]);
  });

  it("copies a weight that others use", async () => {
    const before = model((b) => {
      b.input("x", "float32", [1, 4, 6, 6]);
      const w = b.initializer("w", weight([4, 4, 3, 3]));
      b.output(norm(b, b.node("Conv", ["x", w]), 4));
      b.output(b.node("Conv", ["x", w], { outputs: ["plain"] }));
    });
    const { model: after } = await proved("fold-batch-norm", before, { x: value([1, 4, 6, 6]) }, ROUNDING);
    expect(after.graph.initializers.get("w")).toBe(before.graph.initializers.get("w"));
    expect(after.graph.initializers.has("w_folded")).toBe(true);
  });

  const kept: [string, RegExp, (b: GraphBuilder) => void, Parameters<typeof model>[1]?][] = [
    [
      "training mode",
      /training mode/,
      (b) =>
        b.output(norm(b, b.node("Conv", ["x", b.initializer("w", weight([4, 4, 3, 3]))]), 4, { training_mode: 1 })),
    ],
    [
      "a result that is used elsewhere",
      /used elsewhere/,
      (b) => {
        const y = b.node("Conv", ["x", b.initializer("w", weight([4, 4, 3, 3]))]);
        b.output(norm(b, y, 4));
        b.output(b.node("Relu", [y]));
      },
    ],
    [
      "a weight that is computed",
      /not a dense constant/,
      (b) => b.output(norm(b, b.node("Conv", ["x", b.node("Relu", [b.initializer("w", weight([4, 4, 3, 3]))])]), 4)),
    ],
    [
      "MatMul of unknown rank",
      /not known to be a matrix/,
      (b) => b.output(norm(b, b.node("MatMul", [b.node("Relu", ["x"]), b.initializer("w", weight([6, 4]))]), 4)),
    ],
    ["no layer before it", /no layer/, (b) => b.output(norm(b, "x", 4))],
  ];
  for (const [name, why, fill, options] of kept) {
    it(`says why not: ${name}`, async () => {
      const before = model((b) => {
        b.input("x", "float32", [1, 4, 6, 6]);
        fill(b);
      }, options);
      const { notes, changed } = await passes.get("fold-batch-norm").apply(before, services);
      expect(changed).toBe(false);
      expect(notes[0]).toMatchObject({ code: "batch-norm-kept", node: "bn" });
      expect(notes[0]?.text).toMatch(why);
    });
  }
});

describe("fold-constants", () => {
  it("computes what depends on constants, in subgraphs too, and hoists Constant nodes", async () => {
    const branch = (name: string) => {
      const b = graphBuilder(name, `${name}_`);
      const two = b.node("Constant", [], { attributes: { value_float: 2.5 } });
      const scaled = b.node("Mul", [b.node("Neg", ["outer"]), two]);
      b.output(b.node("Add", ["x", scaled], { outputs: [`${name}_y`] }), "float32", [4]);
      return graphAttribute(b.graph());
    };
    const before = model((b) => {
      b.input("x", "float32", [4]);
      b.input("c", "bool", []);
      b.initializer("outer", weight([4]));
      const size = b.node("Shape", [b.initializer("wide", weight([2, 2]))]);
      const shaped = b.node("Reshape", ["x", b.node("Mul", [size, b.initializer("one", int64([2], [1, 1]))])]);
      b.output(b.node("Flatten", [shaped]));
      b.output(b.node("If", ["c"], { attributes: { then_branch: branch("t"), else_branch: branch("e") } }));
    });
    const feeds: Feeds = { x: value([4]), c: { dtype: "bool", dims: [], data: Uint8Array.of(0) } };
    const { operators, model: after, again } = await proved("fold-constants", before, feeds);
    expect(operators).toEqual(["Reshape", "Flatten", "If"]);
    const inner = [...everyGraph(after)].slice(1).map((graph) => graph.nodes.map((node) => node.opType));
    expect(inner).toEqual([["Add"], ["Add"]]);
    expect(again.changed).toBe(false);
  });

  it("never makes the file larger, never undoes storage in few bits, never fixes what is random", async () => {
    const before = model((b) => {
      b.input("x", "float32", [64, 64]);
      const shape = b.initializer("shape", int64([2], [64, 64]));
      const grown = b.node("Expand", [b.initializer("row", weight([1, 64])), shape]);
      const filled = b.node("ConstantOfShape", [shape]);
      const codes = tensor("int8", [64, 64], Int8Array.from(normals([64, 64]).map((v) => v * 30)));
      const decoded = b.node("Mul", [
        b.node("Cast", [b.initializer("codes", codes)], { attributes: { to: 1 } }),
        b.initializer("scale", float32([], [0.1])),
      ]);
      const nibbles = b.node("BitwiseAnd", [
        b.initializer("packed", tensor("uint8", [32, 64], new Uint8Array(2048).fill(0x5a))),
        b.initializer("mask", tensor("uint8", [], Uint8Array.of(15))),
      ]);
      const unpacked = b.node("Concat", [nibbles, nibbles], { attributes: { axis: 0 } });
      const stored = b.node("Cast", [unpacked], { attributes: { to: 1 } });
      const noise = b.node("RandomNormal", [], { attributes: { shape: [64, 64], scale: float(0) } });
      let y = "x";
      for (const term of [grown, filled, decoded, stored, noise]) y = b.node("Add", [y, term]);
      b.output(y);
    });
    const { changed } = await passes.get("fold-constants").apply(before, services);
    expect(changed).toBe(false);
  });

  it("transposes a weight where nothing else uses it, and keeps tied weights tied", async () => {
    const before = model((b) => {
      b.input("ids", "int64", [3]);
      const tied = b.initializer("tied", weight([40, 32]));
      const own = b.initializer("own", weight([24, 32], 2));
      const x = b.node("Gather", [tied, "ids"]);
      b.output(b.node("MatMul", [x, b.node("Transpose", [tied], { attributes: { perm: [1, 0] } })]));
      b.output(b.node("MatMul", [x, b.node("Transpose", [own], { attributes: { perm: [1, 0] } })]));
    });
    const ids: Value = { dtype: "int64", dims: [3], data: BigInt64Array.of(1n, 0n, 39n) };
    const { operators, model: after } = await proved("fold-constants", before, { ids });
    expect(operators).toEqual(["Gather", "Transpose", "MatMul", "MatMul"]);
    expect(after.graph.initializers.has("own")).toBe(false);
  });

  it("leaves to the runtime what the engine refuses", async () => {
    const before = model((b) => {
      b.input("x", "float32", [2]);
      const bad = b.node("Reshape", [b.initializer("w", weight([3])), b.initializer("s", int64([1], [2]))], {
        name: "bad",
      });
      b.output(b.node("Add", ["x", bad]));
    });
    const { changed, notes } = await passes.get("fold-constants").apply(before, services);
    expect(changed).toBe(false);
    expect(notes).toMatchObject([{ code: "constant-kept", node: "bad" }]);
  });
});

describe("remove-identities", () => {
  it("removes what gives back its input, and nothing else", async () => {
    const before = model((b) => {
      b.input("x", "float32", [2, 3]);
      const zeros = b.initializer("zeros", int64([4], [0, 0, 0, 0]));
      const [from, to] = [b.initializer("from", int64([1], [0])), b.initializer("to", int64([1], [2 ** 40]))];
      const axis = b.initializer("axis", int64([1], [1]));
      let y = b.node("Identity", ["x"]);
      y = b.node("Relu", [y], { name: "kept" });
      y = b.node("Cast", [y], { attributes: { to: 1 } });
      y = b.node("Pad", [y, zeros]);
      y = b.node("Slice", [y, from, to, axis]);
      y = b.node("Concat", [y], { attributes: { axis: 0 } });
      y = b.node("Transpose", [y], { attributes: { perm: [0, 1] } });
      y = b.node("Dropout", [y, b.initializer("ratio", float32([], [0.4]))]);
      y = b.node("Mul", [y, b.initializer("one", float32([], [1]))]);
      y = b.node("Sub", [y, b.initializer("zero", float32([], [0]))]);
      y = b.node("Transpose", [y], { attributes: { perm: [1, 0] } });
      y = b.node("Transpose", [y], { attributes: { perm: [1, 0] } });
      // These change something: a shape, a value, a type.
      y = b.node("Mul", [y, b.initializer("row", float32([1, 1, 1], [1]))]);
      y = b.node("Slice", [y, axis, to, axis]);
      y = b.node("Cast", [y], { attributes: { to: 11 } });
      b.output(b.node("Identity", [y], { outputs: ["result"] }));
    });
    const stable = await untilStable(
      [passes.get("remove-identities"), passes.get("remove-dead-nodes")],
      before,
      services,
    );
    await expectSameResults(before, stable.model, { x: value([2, 3]) });
    expect(stable.model.graph.nodes.map((node) => node.opType)).toEqual(["Relu", "Mul", "Slice", "Cast"]);
    expect(stable.model.graph.nodes.at(-1)?.outputs).toEqual(["result"]);
  });

  it("keeps an Identity that gives an output its name", async () => {
    const before = model((b) => {
      b.input("x", "float32", [2]);
      const y = b.node("Relu", ["x"]);
      b.output(y);
      b.output(b.node("Identity", [y], { outputs: ["second"] }));
      b.output(b.node("Identity", ["x"], { outputs: ["third"] }));
    });
    const { changed } = await proved("remove-identities", before, { x: value([2]) });
    expect(changed).toBe(false);
  });

  it("works inside function bodies", async () => {
    const f = graphBuilder("F");
    f.input("a", "float32");
    f.output(f.node("Relu", [f.node("Identity", ["a"])]));
    const before = model(
      (b) => {
        b.input("x", "float32", [2]);
        b.output(b.node("F", ["x"], { domain: "mine" }));
      },
      { opsets: { mine: 1 }, functions: [makeFunction("mine", "F", f.graph())] },
    );
    const { model: after } = await proved("remove-identities", before, { x: value([2]) });
    expect(after.functions[0]?.nodes.length).toBe(1);
  });
});

describe("remove-dead-nodes", () => {
  it("removes nodes, weights and functions that no output needs, and keeps inputs", async () => {
    const f = graphBuilder("Unused");
    f.input("a", "float32");
    f.output(f.node("Relu", ["a"]));
    const before = model(
      (b) => {
        b.input("x", "float32", [2]);
        b.input("ignored", "float32", [2]);
        b.initializer("alone", weight([100]));
        b.initializer("given", weight([2]));
        b.node("Mul", ["x", b.initializer("w", weight([2]))]);
        b.output("given");
        b.output(b.node("Relu", ["x"]));
      },
      { opsets: { mine: 1 }, functions: [makeFunction("mine", "Unused", f.graph())] },
    );
    const { model: after, notes } = await proved("remove-dead-nodes", before, { x: value([2]), ignored: value([2]) });
    expect([...after.graph.initializers.keys()]).toEqual(["given"]);
    expect(after.graph.inputs.length).toBe(2);
    expect(after.functions).toEqual([]);
    expect(notes[0]?.text).toMatch(/1 nodes, 2 weights, 1 functions/);
  });
});

describe("share-equal-weights", () => {
  it("joins equal weights, also with those around a subgraph, and never by type or shape alone", async () => {
    const inner = graphBuilder("t", "t_");
    const copy = inner.initializer("inner_copy", weight([4, 4]));
    inner.output(inner.node("MatMul", ["x", copy], { outputs: ["t_y"] }), "float32", [2, 4]);
    const other = graphBuilder("e", "e_");
    other.output(other.node("Relu", ["x"], { outputs: ["e_y"] }), "float32", [2, 4]);
    const before = model((b) => {
      b.input("x", "float32", [2, 4]);
      b.input("c", "bool", []);
      b.initializer("first", weight([4, 4]));
      b.initializer("copy", weight([4, 4]));
      b.initializer("different", weight([4, 4], 2));
      b.initializer("flat", weight([16]));
      let y = b.node("MatMul", ["x", "first"]);
      for (const w of ["copy", "different"]) y = b.node("MatMul", [y, w]);
      b.output(
        b.node("Mul", [
          b.node("Reshape", [y, b.initializer("s", int64([1], [-1]))]),
          b.node("Slice", ["flat", ...cut(b)]),
        ]),
      );
      const attributes = { then_branch: graphAttribute(inner.graph()), else_branch: graphAttribute(other.graph()) };
      b.output(b.node("If", ["c"], { attributes }));
    });
    const feeds: Feeds = { x: value([2, 4]), c: { dtype: "bool", dims: [], data: Uint8Array.of(1) } };
    const { model: after, notes } = await proved("share-equal-weights", before, feeds);
    expect([...after.graph.initializers.keys()]).toEqual(["first", "different", "flat", "s", "from", "to"]);
    expect([...everyGraph(after)].map((graph) => graph.initializers.size)).toEqual([6, 0, 0]);
    expect(notes[0]?.text).toMatch(/2 weights .* 128 bytes/);
  });

  it("keeps outputs and inputs their own", async () => {
    const before = model((b) => {
      b.input("x", "float32", [4]);
      b.input("d", "float32", [4]);
      b.initializer("a", weight([4]));
      b.initializer("out", weight([4]));
      b.initializer("d", weight([4]));
      b.output("out");
      b.output(b.node("Add", [b.node("Add", ["x", "a"]), "d"]));
    });
    const { changed } = await proved("share-equal-weights", before, { x: value([4]) });
    expect(changed).toBe(false);
  });
});

const cut = (b: GraphBuilder) => [b.initializer("from", int64([1], [0])), b.initializer("to", int64([1], [8]))];

describe("constant-weights", () => {
  it("turns weights listed as inputs into constants before IR 4, and leaves a meant default alone", async () => {
    const fill = (b: GraphBuilder) => {
      b.input("x", "float32", [4]);
      b.input("w", "float32", [4]);
      b.initializer("w", weight([4]));
      b.output(b.node("Add", ["x", "w"]));
    };
    const old = await proved("constant-weights", model(fill, { opset: 8, ir: 3 }), { x: value([4]) });
    expect(old.model.graph.inputs.map((input) => input.name)).toEqual(["x"]);
    expect(old.model.irVersion).toBe(4);
    const meant = await proved("constant-weights", model(fill), { x: value([4]) });
    expect(meant.changed).toBe(false);
    expect(meant.notes[0]).toMatchObject({ code: "default-input-kept", node: "w" });
  });
});

describe("passes together", () => {
  it("clean keeps what every model of the zoo computes, leaves no more bytes, and is stable", async () => {
    for (const { name, model: before, feeds } of zoo()) {
      const { model: after } = await cleanStep.apply(before, { skip: [] }, services as StepContext);
      await expectSameResults(before, after, feeds, name.startsWith("float16") ? 2 ** -9 : 4e-6);
      expect(weightBytes(after), name).toBeLessThanOrEqual(weightBytes(before));
      const again = await cleanStep.apply(after, { skip: [] }, services as StepContext);
      expect(print(again.model), name).toBe(print(after));
    }
  });

  it("clean leaves out what it is told to", async () => {
    const before = model((b) => {
      b.input("x", "float32", [2]);
      b.output(b.node("Relu", [b.node("Identity", ["x"])]));
    });
    const { model: after } = await cleanStep.apply(before, { skip: ["remove-identities"] }, services as StepContext);
    expect(after).toBe(before);
  });

  it("an error names the pass and those before it", async () => {
    const fails = definePass({
      name: "fails",
      summary: "",
      rewrite: () => {
        throw new PareError("broken", { code: "some-code", kind: "invalid", node: "n" });
      },
    });
    const simple = model((b) => b.output(b.node("Relu", [b.input("x", "float32", [2])])));
    const thrown = await sequence([passes.get("remove-identities"), fails], simple, services).catch((error) => error);
    expect(thrown).toMatchObject({ code: "some-code", node: "n" });
    expect(thrown.message).toBe('In pass "fails" (after remove-identities): broken');
  });

  it("stops when asked", async () => {
    const simple = model((b) => b.output(b.node("Relu", [b.input("x", "float32", [2])])));
    const signal = AbortSignal.abort();
    await expect(sequence(passes.list, simple, { ...services, signal })).rejects.toThrow(/abort/i);
  });
});

function weightBytes(of: Model): number {
  let bytes = 0;
  for (const graph of everyGraph(of)) {
    for (const w of graph.initializers.values()) if (!w.sparse) bytes += w.data.byteLength;
    for (const node of graph.nodes) {
      const held = node.attributes.get("value");
      if (held?.type === "tensor") bytes += held.value.data.byteLength;
    }
  }
  return bytes;
}
