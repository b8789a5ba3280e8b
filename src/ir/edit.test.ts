import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { float32 } from "../tensor/tensor.js";
import { graphAttribute } from "./attributes.js";
import { graphBuilder, makeNode } from "./build.js";
import { GraphEditor } from "./edit.js";
import type { Node } from "./model.js";
import { print } from "./print.js";
import { consumers, producers } from "./traverse.js";
import { verify } from "./verify.js";

function chain(length: number) {
  const b = graphBuilder("chain");
  let x = b.input("x", "float32", [4]);
  for (let i = 0; i < length; i++) x = b.node("Relu", [x], { outputs: [`v${i}`] });
  b.output(x, "float32", [4]);
  return b;
}

describe("GraphEditor", () => {
  it("gives back the same graph when nothing changed, and never changes what it was given", () => {
    const graph = chain(3).graph();
    const editor = new GraphEditor(graph);
    expect(editor.done()).toBe(graph);
    const before = print(chain(3).model());
    editor.remove(graph.nodes[1]!);
    editor.renameUses("v1", "v0");
    expect(editor.done().nodes.map((node) => node.inputs)).toEqual([["x"], ["v0"]]);
    expect(print(chain(3).model())).toBe(before);
    expect(graph.nodes.length).toBe(3);
  });

  it("shares the nodes it does not touch", () => {
    const graph = chain(5).graph();
    const editor = new GraphEditor(graph);
    editor.replace(graph.nodes[2]!, [makeNode("Sigmoid", ["v1"], ["v2"])]);
    const after = editor.done();
    expect(after.nodes[0]).toBe(graph.nodes[0]);
    expect(after.nodes[4]).toBe(graph.nodes[4]);
    expect(after.initializers).toBe(graph.initializers);
  });

  it("follows a node through renames: the old object still stands for it", () => {
    const graph = chain(3).graph();
    const editor = new GraphEditor(graph);
    editor.renameUses("v0", "x");
    expect(editor.current(graph.nodes[1]!)?.inputs).toEqual(["x"]);
    editor.insertAfter(graph.nodes[1]!, [makeNode("Neg", ["v1"], ["n"])]);
    editor.remove(graph.nodes[1]!);
    expect(editor.current(graph.nodes[1]!)).toBeUndefined();
    expect(() => editor.remove(graph.nodes[1]!)).toThrow(/not in the graph/);
    expect(editor.done().nodes.map((node) => node.opType)).toEqual(["Relu", "Neg", "Relu"]);
  });

  it("renames captures inside subgraphs, unless they are made anew there", () => {
    const branch = (name: string) => {
      const inner = graphBuilder(name);
      const a = inner.node("Neg", ["v0"], { outputs: [`${name}_a`] });
      inner.output(a, "float32", [4]);
      return inner.graph();
    };
    const b = graphBuilder();
    b.input("x", "float32", [4]);
    const condition = b.input("c", "bool", []);
    b.node("Relu", ["x"], { outputs: ["v0"] });
    b.node("If", [condition], {
      outputs: ["y"],
      attributes: { then_branch: graphAttribute(branch("t")), else_branch: graphAttribute(branch("e")) },
    });
    b.output("y", "float32", [4]);
    const graph = b.graph();
    const editor = new GraphEditor(graph);
    expect(editor.consumers("v0").map((node) => node.opType)).toEqual(["If"]);
    editor.renameUses("v0", "x");
    const then = editor.done().nodes[1]!.attributes.get("then_branch");
    expect(then?.type === "graph" && then.value.nodes[0]?.inputs).toEqual(["x"]);
    expect(editor.unique("t_a")).toBe("t_a_1");
  });

  it("renames a value where it is made, used, and given out", () => {
    const graph = chain(2).graph();
    const editor = new GraphEditor(graph);
    editor.renameValue("v1", "result");
    editor.renameValue("x", "input");
    const after = editor.done();
    expect(after.outputs[0]?.name).toBe("result");
    expect(after.inputs[0]?.name).toBe("input");
    expect(after.nodes.map((node) => [node.inputs[0], node.outputs[0]])).toEqual([
      ["input", "v0"],
      ["v0", "result"],
    ]);
  });

  it("keeps initializers, default inputs and constants apart", () => {
    const b = chain(1);
    b.initializer("w", float32([1], [1]));
    b.initializer("x", float32([4], [0, 0, 0, 0]));
    const editor = new GraphEditor(b.graph());
    expect(editor.constant("w")).toBeDefined();
    expect(editor.constant("x")).toBeUndefined();
    editor.removeInitializer("w");
    expect(editor.done().initializers.has("w")).toBe(false);
  });

  it("keeps its index in step with the graph through any edits", () => {
    const edit = fc.record({ kind: fc.nat(4), at: fc.nat(30), other: fc.nat(30) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 25 }), (edits) => {
        const editor = new GraphEditor(chain(8).graph());
        for (const { kind, at, other } of edits) {
          const nodes = editor.graph.nodes;
          const node = nodes[at % Math.max(nodes.length, 1)];
          if (!node) break;
          const output = node.outputs[0]!;
          const input = node.inputs[0]!;
          const name = editor.unique("n");
          if (kind === 0) editor.insertBefore(node, [makeNode("Neg", [input], [name])]);
          if (kind === 1) editor.insertAfter(node, [makeNode("Neg", [output], [name])]);
          if (kind === 2) editor.replace(node, [makeNode("Neg", [input], [name]), makeNode("Neg", [name], [output])]);
          if (kind === 3 && editor.isOutput(output) === false) {
            editor.renameUses(output, input);
            editor.remove(node);
          }
          if (kind === 4 && other % 2 === 0) editor.renameValue(output, name);
        }
        const graph = editor.done();
        expect(verify(modelOf(graph))).toEqual([]);
        const makers = producers(graph);
        const users = consumers(graph);
        for (const name of new Set([...makers.keys(), ...users.keys()])) {
          expect(editor.producer(name)).toBe(makers.get(name));
          expect(new Set(editor.consumers(name))).toEqual(new Set(users.get(name) ?? []));
        }
      }),
      { numRuns: 200 },
    );
  });

  it("costs what it touches: 20,000 edits of 20,000 nodes visit each link a few times", () => {
    const graph = chain(20_000).graph();
    const editor = new GraphEditor(graph);
    for (const node of graph.nodes) {
      editor.insertAfter(node, [makeNode("Neg", [node.outputs[0]!], [editor.unique("n")])]);
      if (!editor.isOutput(node.outputs[0]!)) {
        editor.renameUses(node.outputs[0]!, node.inputs[0]!);
        editor.remove(node);
      }
    }
    expect(editor.done().nodes.length).toBe(20_001);
  });
});

const modelOf = (graph: { nodes: readonly Node[] } & ReturnType<ReturnType<typeof graphBuilder>["graph"]>) => ({
  ...graphBuilder().model(),
  graph,
});
