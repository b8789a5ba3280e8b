// Who is meant: patterns, words for places, and options of single layers, on graphs whose answer is plain to see.

import { describe, expect, it } from "vitest";
import { graphAttribute, ints } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { settle } from "../../src/quantize/options.js";
import { quantizeStep } from "../../src/quantize/quantize.js";
import { selection } from "../../src/quantize/select.js";
import { tensor } from "../../src/tensor/tensor.js";
import { collectWeights } from "../../src/weights/weights.js";
import { weight } from "../support/quantize-cases.js";
import { stepContext } from "../support/step-context.js";

const select = (model: Model, options: object) => selection(model, settle(quantizeStep.options.parse(options)));

/** Names of the weights that a choice leaves to the step. */
const left = (model: Model, options: object) => {
  const choice = select(model, options);
  return collectWeights(model).flatMap((one) => (choice.reasonToKeep(one) === undefined ? [one.name] : []));
};
/** Those that `keep` keeps. */
const kept = (model: Model, keep: string[]) => {
  const rest = left(model, { keep });
  return left(model, {}).filter((name) => !rest.includes(name));
};

const product = (b: GraphBuilder, x: string, name: string) =>
  b.node("MatMul", [x, b.initializer(name, weight(32, 32))], { name: `/layers/${name}/MatMul` });

/** Two inputs with a layer each, joined; a table tied to the product at the end; another end beside it. */
function branches(): Model {
  const b = graphBuilder();
  b.input("ids", "int64", [4]);
  b.input("y", "float32", [4, 32]);
  b.initializer("table", weight(64, 32));
  const rows = b.node("Gather", ["table", "ids"], { name: "/embed" });
  const joined = b.node("Add", [product(b, rows, "q.proj"), product(b, "y", "k.proj")]);
  const inner = b.node("Relu", [product(b, joined, "up.proj")]);
  b.output(b.node("MatMul", [inner, b.node("Transpose", ["table"], { attributes: { perm: ints([1, 0]) } })]));
  b.output(product(b, inner, "side"));
  // Of constants alone: no input reaches it.
  b.output(b.node("MatMul", [b.initializer("fixed", weight(1, 32)), b.initializer("alone", weight(32, 32))]));
  return b.model({ opset: 17 });
}

describe("a pattern", () => {
  const model = branches();
  it.each([
    [["q.proj"], ["q.proj"]],
    [["/layers/k.proj/MatMul"], ["k.proj"]],
    [["/layers/{q,k}.proj/*"], ["q.proj", "k.proj"]],
    [["*.proj"], ["q.proj", "k.proj", "up.proj"]],
    [["/[qk]\\.PROJ/i"], ["q.proj", "k.proj"]],
    [["/layers\\/side\\//"], ["side"]],
    [["Gather"], ["table"]],
    [["MatMul"], ["table", "q.proj", "k.proj", "up.proj", "side", "alone"]],
    [["Transpose"], ["table"]],
    [["first"], ["q.proj", "k.proj"]],
    [["last"], ["table", "side", "alone"]],
    [["embeddings"], ["table"]],
    [
      ["first", "side"],
      ["q.proj", "k.proj", "side"],
    ],
  ])("%j keeps %j", (patterns, expected) => {
    expect(kept(model, patterns)).toEqual(expected);
    expect(left(model, { only: patterns })).toEqual(expected);
  });

  it("that names nothing is an error with what is near", () => {
    const wrong = (keep: string) => () => select(model, { keep: [keep] });
    expect(wrong("up_proj")).toThrow(
      expect.objectContaining({ code: "pattern-unmatched", hint: expect.stringContaining('"up.proj"') }),
    );
    expect(wrong("firts")).toThrow(expect.objectContaining({ hint: expect.stringContaining(`"first"`) }));
    expect(wrong("sid")).toThrow(expect.objectContaining({ hint: expect.stringContaining('"side"') }));
    expect(wrong("/no such thing/")).toThrow(expect.objectContaining({ code: "pattern-unmatched" }));
    expect(wrong("/(/")).toThrow(expect.objectContaining({ code: "pattern-wrong" }));
    expect(() => select(model, { only: ["Conv"] })).toThrow(expect.objectContaining({ code: "pattern-unmatched" }));
    const layers = [{ match: ["fist"], weights: "int4" }];
    expect(() => select(model, { layers })).toThrow(expect.objectContaining({ found: "fist" }));
  });

  it("is a name before it is a word, and says so", () => {
    const b = graphBuilder();
    b.input("x", "float32", [1, 32]);
    const one = product(b, "x", "a");
    b.output(b.node("MatMul", [one, b.initializer("b", weight(32, 32))], { name: "first" }));
    const named = b.model({ opset: 17 });
    expect(kept(named, ["first"])).toEqual(["b"]);
    expect(select(named, { keep: ["first"] }).notes.map(({ code }) => code)).toEqual(["pattern-is-name"]);
    expect(kept(named, ["last"])).toEqual(["b"]);
    expect(() => select(named, { keep: ["embeddings"] })).toThrow(
      expect.objectContaining({ code: "pattern-unmatched" }),
    );
  });
});

it("finds the first and the last inside bodies and functions", () => {
  const branch = (name: string) => {
    const inner = graphBuilder(name, `${name}_`);
    inner.output(product(inner, product(inner, "x", `${name}1`), `${name}2`), "float32", [1, 32]);
    return graphAttribute(inner.graph());
  };
  const body = graphBuilder("Layer");
  body.input("h", "float32");
  const constant = body.node("Constant", [], { attributes: { value: { type: "tensor", value: weight(32, 32) } } });
  body.output(body.node("MatMul", ["h", constant]));
  const b = graphBuilder();
  b.input("flag", "bool", []);
  b.input("x", "float32", [1, 32]);
  const h = b.node("If", ["flag"], { attributes: { then_branch: branch("yes"), else_branch: branch("no") } });
  b.output(b.node("Layer", [product(b, h, "middle")], { domain: "local" }));
  const functions = [makeFunction("local", "Layer", body.graph(), { opset: 17 })];
  const model = b.model({ opset: 17, opsets: { local: 1 }, functions });
  expect(kept(model, ["first"])).toEqual(["yes1", "no1"]);
  expect(kept(model, ["last"])).toEqual([constant]);
});

describe("options of single layers", () => {
  const model = branches();
  const layers = [
    { match: ["first"], weights: "int8" },
    { match: ["*.proj"], block: 64 },
    { match: ["embeddings"], keep: true },
  ];
  const choice = select(model, { weights: "int4", block: 16, layers });
  const of = (name: string) => collectWeights(model).find((one) => one.name === name)!;

  it("hold for the first entry that matches", () => {
    expect(choice.settingsFor(of("q.proj"))).toMatchObject({ weights: "int8", granularity: "auto" });
    expect(choice.layerOf(of("q.proj"))).toBe(1);
    expect(choice.settingsFor(of("up.proj"))).toMatchObject({ weights: "int4", block: 64 });
    expect(choice.settingsFor(of("side"))).toMatchObject({ weights: "int4", block: 16 });
    expect(choice.layerOf(of("side"))).toBeUndefined();
    expect(choice.reasonToKeep(of("table"))).toMatch(/entry 3 .*layers/);
    expect(choice.reasonToKeep(of("q.proj"))).toBeUndefined();
  });

  it("are checked as those of the step are, and the layer is named", () => {
    const bad = (layer: object) => () => select(model, { layers: [{ match: ["side"], ...layer }] });
    const refused = (code: string, text: RegExp) =>
      expect.objectContaining({ code, message: expect.stringMatching(text) });
    expect(bad({ weights: "int3", form: "native" })).toThrow(refused("form-missing", /Entry 1 .*side.*int3/));
    expect(bad({ weights: "mxfp4", block: 16 })).toThrow(refused("quantize-options", /Entry 1 .*side.*mxfp4/));
    expect(bad({})).toThrow(refused("quantize-options", /states no option/));
    expect(bad({ keep: true, weights: "int4" })).toThrow(refused("quantize-options", /other options do nothing/));
  });
});

it("says why nothing was done", async () => {
  const text = async (model: Model, options: object) => {
    const { notes } = await quantizeStep.apply(model, quantizeStep.options.parse(options), stepContext());
    return notes.find(({ code }) => code === "nothing-quantized")?.text;
  };
  const b = graphBuilder();
  b.input("x", "float32", [1, 32]);
  b.output(product(b, product(b, "x", "a"), "b"));
  const packed = await quantizeStep.apply(
    b.model({ opset: 17 }),
    quantizeStep.options.parse({ weights: "int4", form: "native" }),
    stepContext(),
  );
  expect(await text(packed.model, {})).toContain("already quantized (2 MatMulNBits)");
  const stored = await quantizeStep.apply(b.model({ opset: 17 }), quantizeStep.options.parse({}), stepContext());
  expect(await text(stored.model, {})).toContain("2 weights stored as integers");
  const empty = graphBuilder();
  empty.input("x", "float32", [1]);
  empty.output(empty.node("Relu", ["x"]));
  expect(await text(empty.model({ opset: 17 }), {})).toMatch(/no weights that .* can change\.$/);
});

describe("float64 weights", () => {
  const model = (mixed: boolean) => {
    const b = graphBuilder();
    b.input("x", "float64", [1, 32]);
    b.output(b.node("MatMul", ["x", b.initializer("wide", tensor("float64", [32, 32], new Float64Array(1024)))]));
    if (mixed) {
      b.input("y", "float32", [1, 32]);
      b.output(product(b, "y", "narrow"));
    }
    return b.model({ opset: 17 });
  };
  const notes = async (mixed: boolean) => {
    const options = quantizeStep.options.parse({ weights: "int8", form: "extract", minimum: 16 });
    return (await quantizeStep.apply(model(mixed), options, stepContext([]))).notes;
  };

  it("are told of, beside others", async () => {
    const found = await notes(true);
    expect(found.find(({ node }) => node === "wide")?.text).toMatch(/\[32,32\] stays float64: pare quantizes float32/);
    expect(found.map(({ code }) => code)).toContain("quantized-extract");
  });

  it("are why nothing was done", async () => {
    const found = await notes(false);
    expect(found.find(({ code }) => code === "nothing-quantized")?.text).toMatch(/can change: 1 is float64/);
  });
});
