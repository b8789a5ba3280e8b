import { describe, expect, it } from "vitest";
import { float32 } from "../tensor/tensor.js";
import { graphAttribute } from "./attributes.js";
import { graphBuilder, makeFunction } from "./build.js";
import { mapGraphs, mapGraphsSync } from "./map.js";
import type { Graph } from "./model.js";
import { print } from "./print.js";
import { captures, consumers, everyGraph, everyNode, topological } from "./traverse.js";

/** An If inside an If; the innermost graph captures `x` and `w` of the outermost. */
function nestedModel() {
  const inner = graphBuilder("inner");
  inner.output(inner.node("Add", ["x", "w"], { outputs: ["i"] }), "float32", [2]);
  const plain = (name: string) => {
    const b = graphBuilder(name);
    b.output(b.node("Neg", ["x"], { outputs: [`${name}_n`] }), "float32", [2]);
    return b.graph();
  };
  const outer = graphBuilder("outer");
  const attributes = { then_branch: graphAttribute(inner.graph()), else_branch: graphAttribute(plain("other")) };
  outer.output(outer.node("If", ["c"], { outputs: ["o"], attributes }), "float32", [2]);
  const b = graphBuilder("main");
  b.input("x", "float32", ["n"]);
  b.input("c", "bool", []);
  b.initializer("w", float32([2], [1, 2]));
  b.node("If", ["c"], {
    name: "choose",
    outputs: ["y"],
    attributes: { then_branch: graphAttribute(outer.graph()), else_branch: graphAttribute(plain("none")) },
  });
  b.output("y", "float32", [2]);
  const f = graphBuilder("F");
  f.input("a", "float32");
  f.output(f.node("Relu", ["a"]));
  return b.model({ functions: [makeFunction("mine", "F", f.graph())], opsets: { mine: 1 } });
}

describe("traverse", () => {
  it("sees captures through every level", () => {
    const model = nestedModel();
    const then = [...everyGraph(model)].find((graph) => graph.name === "outer")!;
    expect([...captures(then)].sort()).toEqual(["c", "w", "x"]);
    expect(
      consumers(model.graph)
        .get("w")
        ?.map((node) => node.name),
    ).toEqual(["choose"]);
    expect([...everyGraph(model)].map((graph) => graph.name)).toEqual(["main", "outer", "inner", "other", "none"]);
    expect([...everyNode(model)].length).toBe(5);
    expect([...everyNode(model, { functions: true })].length).toBe(6);
  });

  it("keeps the order of the file where it is one, and mends it where it is not", () => {
    const b = graphBuilder();
    b.input("x", "float32", [1]);
    b.node("Neg", ["a"], { outputs: ["y"] });
    b.node("Relu", ["x"], { outputs: ["a"] });
    b.node("Abs", ["x"], { outputs: ["z"] });
    const nodes = topological(b.graph()).map((node) => node.opType);
    expect(nodes).toEqual(["Relu", "Neg", "Abs"]);
    const model = nestedModel();
    expect(topological(model.graph)).toEqual(model.graph.nodes);
  });

  it("walks chains deeper than the call stack", () => {
    const b = graphBuilder();
    b.input("x", "float32", [1]);
    const n = 50_000;
    for (let i = n - 1; i > 0; i--) b.node("Relu", [`v${i - 1}`], { outputs: [`v${i}`] });
    b.node("Relu", ["x"], { outputs: ["v0"] });
    expect(topological(b.graph())[0]?.outputs).toEqual(["v0"]);
  });
});

describe("mapGraphs", () => {
  it("goes inner before outer, shows the scope around, and shares what stays", async () => {
    const model = nestedModel();
    const seen: string[] = [];
    const same = await mapGraphs(
      model,
      (graph, outer) => {
        seen.push(`${graph.name} ${outer.has("x")} ${outer.constant("w") !== undefined} ${outer.constant("x")}`);
        return graph;
      },
      { functions: true },
    );
    expect(same).toBe(model);
    expect(seen).toEqual([
      "inner true true undefined",
      "other true true undefined",
      "outer true true undefined",
      "none true true undefined",
      "main false false undefined",
      "F false false undefined",
    ]);
    const rename = (graph: Graph) => (graph.name === "inner" ? { ...graph, name: "renamed" } : graph);
    const changed = mapGraphsSync(model, rename);
    expect([...everyGraph(changed)].map((graph) => graph.name)).toContain("renamed");
    expect(changed.functions).toBe(model.functions);
    expect(changed.graph.initializers).toBe(model.graph.initializers);
  });
});

describe("print", () => {
  it("is stable and readable", () => {
    expect(print(nestedModel())).toMatchInlineSnapshot(`
      "model ir 10, opset ai.onnx 21, mine 1
      producer pare
      graph main {
        input %x: float32[n]
        input %c: bool[]
        weight %w: float32[2] #8 bytes
        %y = If<else_branch=graph none, then_branch=graph outer>(%c) # choose
          graph none {
            %none_n = Neg(%x)
            output %none_n: float32[2]
          }
          graph outer {
            %o = If<else_branch=graph other, then_branch=graph inner>(%c)
              graph other {
                %other_n = Neg(%x)
                output %other_n: float32[2]
              }
              graph inner {
                %i = Add(%x, %w)
                output %i: float32[2]
              }
            output %o: float32[2]
          }
        output %y: float32[2]
      }
      function mine.F(%a) -> %relu_0, opset ai.onnx 21 {
        %relu_0 = Relu(%a)
      }
      "
    `);
  });
});
