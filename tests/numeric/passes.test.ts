// The passes that only rewire, and all of them together: what they do, what they leave alone, and that results stay.

import { describe, expect, it } from "vitest";
import { PareError } from "../../src/base/errors.js";
import { graphAttribute } from "../../src/ir/attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { print } from "../../src/ir/print.js";
import { everyGraph } from "../../src/ir/traverse.js";
import { cleanStep } from "../../src/passes/clean.js";
import { passes } from "../../src/passes/index.js";
import { definePass, sequence, untilStable } from "../../src/passes/pass.js";
import type { StepContext } from "../../src/step/step.js";
import { float32, int64 } from "../../src/tensor/tensor.js";
import type { Feeds } from "../../src/tensor/value.js";
import { model, proved, value, weight } from "../support/proved.js";
import { expectSameResults } from "../support/same-results.js";
import { services } from "../support/services.js";
import { zoo } from "../support/zoo.js";

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
