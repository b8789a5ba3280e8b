import { describe, expect, it } from "vitest";
import { bytesData, float32 } from "../tensor/tensor.js";
import { graphAttribute, string } from "./attributes.js";
import { type GraphBuilder, graphBuilder, makeFunction } from "./build.js";
import type { Model } from "./model.js";
import { assertValid, verify } from "./verify.js";

const codes = (model: Model) => verify(model).map((problem) => problem.code);

function simple(fill: (b: GraphBuilder) => void, options = {}): Model {
  const b = graphBuilder();
  b.input("x", "float32", [4]);
  fill(b);
  return b.model(options);
}

const branch = (output: string, fill: (b: GraphBuilder) => void) => {
  const b = graphBuilder(output);
  fill(b);
  b.output(output, "float32", [4]);
  return graphAttribute(b.graph());
};

describe("verify", () => {
  it("finds nothing wrong with a sound model", () => {
    const model = simple((b) => b.output(b.node("Add", ["x", b.initializer("w", float32([4], [1, 2, 3, 4]))])));
    expect(verify(model)).toEqual([]);
    expect(() => assertValid(model)).not.toThrow();
  });

  const broken: Record<string, Model> = {
    "opset-missing": simple((b) => b.output(b.node("Gelu", ["x"], { domain: "com.microsoft" }))),
    "value-redefined": simple((b) => {
      b.node("Relu", ["x"], { outputs: ["y"] });
      b.output(b.node("Neg", ["x"], { outputs: ["y"] }));
    }),
    "value-shadowed": simple((b) => {
      const c = b.input("c", "bool", []);
      const attributes = {
        then_branch: branch("x", (t) => t.node("Constant", [], { outputs: ["x"], attributes: { value_float: 1.5 } })),
        else_branch: branch("e", (t) => t.node("Neg", ["x"], { outputs: ["e"] })),
      };
      b.output(b.node("If", [c], { attributes }));
    }),
    "input-undefined": simple((b) => b.output(b.node("Add", ["x", "ghost"]))),
    order: simple((b) => {
      b.node("Neg", ["a"], { outputs: ["y"] });
      b.node("Relu", ["x"], { outputs: ["a"] });
      b.output("y");
    }),
    "graph-cycle": simple((b) => {
      b.node("Add", ["x", "b"], { outputs: ["a"] });
      b.node("Relu", ["a"], { outputs: ["b"] });
      b.output("b");
    }),
    "output-undefined": simple((b) => b.output("nothing")),
    "operator-missing": simple((b) => b.output(b.node("", ["x"], { outputs: ["y"] }))),
    "attribute-type": simple((b) => b.output(b.node("Softmax", ["x"], { attributes: { axis: string("1") } }))),
    "attribute-reference": simple((b) =>
      b.output(b.node("LeakyRelu", ["x"], { attributes: { alpha: { type: "reference", value: "alpha", of: 1 } } })),
    ),
    "dims-invalid": simple((b) => {
      b.initializer("w", { dtype: "float32", dims: [-1], data: bytesData(new Uint8Array(0)) });
      b.output(b.node("Relu", ["x"]));
    }),
    "payload-size": simple((b) => {
      const w = b.initializer("w", { dtype: "float32", dims: [4], data: bytesData(new Uint8Array(15)) });
      b.output(b.node("Add", ["x", w]));
    }),
    "ir-version": simple(
      (b) => {
        const w = b.initializer("w", { dtype: "int4", dims: [4], data: bytesData(new Uint8Array(2)) });
        b.output(b.node("Cast", [w], { attributes: { to: 1 } }));
      },
      { ir: 8 },
    ),
    "function-missing": simple((b) => b.output(b.node("Swish", ["x"], { domain: "mine", overload: "v2" })), {
      opsets: { mine: 1 },
    }),
    "subgraph-arity": simple((b) => {
      const c = b.input("c", "bool", []);
      const attributes = {
        then_branch: branch("t", (t) => t.node("Neg", ["x"], { outputs: ["t"] })),
        else_branch: branch("e", (t) => t.node("Neg", ["x"], { outputs: ["e"] })),
      };
      b.nodes("If", [c], { attributes, outputs: ["y", "z"] });
      b.output("y");
    }),
  };
  for (const [code, model] of Object.entries(broken)) {
    it(`finds ${code}, and only it`, () => {
      expect(new Set(codes(model))).toEqual(new Set([code]));
      expect(() => assertValid(model, "a test")).toThrow(/after a test is not valid/);
    });
  }

  it("finds functions that call themselves, also through others", () => {
    const body = (calls: string) => {
      const f = graphBuilder(calls);
      f.input("a", "float32");
      f.output(f.node(calls, ["a"], { domain: "mine" }));
      return f.graph();
    };
    const one = { ...makeFunction("mine", "One", body("Two")), opsets: new Map([["mine", 1]]) };
    const two = { ...makeFunction("mine", "Two", body("One")), opsets: new Map([["mine", 1]]) };
    const model = simple((b) => b.output(b.node("One", ["x"], { domain: "mine" })), {
      opsets: { mine: 1 },
      functions: [one, two],
    });
    expect(codes(model)).toEqual(["function-recursive"]);
  });

  it("names the nodes of a cycle", () => {
    expect(verify(broken["graph-cycle"]!)[0]?.message).toMatch(/Relu:b/);
  });
});
