// Puts the nodes of a body (a function that is called, the branch of an If that is taken) where the node stood that
// holds it. Names that the body defines are made unique; its constants become initializers that remember their origin.

import type { GraphEditor } from "../../ir/edit.js";
import type { Attribute, Graph, Initializer, Node } from "../../ir/model.js";
import { renameInputs } from "../../ir/rename.js";
import { type Draft, remember } from "./draft.js";
import { constantOf } from "./hoist.js";

export interface Body {
  readonly nodes: readonly Node[];
  readonly initializers: Graph["initializers"];
  /** Names of its results, in the order of the node's outputs. */
  readonly outputs: readonly string[];
  /** What stands before names made unique, and before the sources of constants. */
  readonly prefix: string;
  readonly sources: string;
  /** Names that nothing else in the model has: the body's constants keep them. */
  readonly alone?: ReadonlySet<string>;
}

export interface Inlining {
  readonly editor: GraphEditor;
  readonly draft: Draft;
  /** Constants of bodies that were put in already: a function called twice has each weight once. */
  readonly known: Map<object, string>;
}

/** `bound`: what stands for names of the body that are given from outside ("" for an input that is left out). */
export function inlineBody(node: Node, body: Body, bound: ReadonlyMap<string, string>, inlining: Inlining): void {
  const { editor, draft, known } = inlining;
  const names = new Map(bound);
  const constant = (name: string, tensor: Initializer, node?: Node) => {
    const key = node ?? tensor;
    let stored = known.get(key);
    if (stored === undefined) {
      stored = body.alone?.has(name) ? name : editor.unique(body.sources + name);
      known.set(key, stored);
      remember(draft, stored, body.sources + name, tensor, node);
    }
    // It may have been found superfluous since it was first put in.
    if (editor.initializer(stored) === undefined) editor.setInitializer(stored, tensor);
    names.set(name, stored);
  };
  for (const [name, tensor] of body.initializers) constant(name, tensor);
  const wanted = new Map<string, string>();
  body.outputs.forEach((name, i) => {
    const output = node.outputs[i] ?? "";
    if (output !== "" && !wanted.has(name)) wanted.set(name, output);
  });
  const results: Node[] = [];
  for (const inner of body.nodes) {
    const tensor = constantOf(inner);
    if (tensor !== undefined) {
      constant(inner.outputs[0]!, tensor, inner);
      continue;
    }
    for (const name of inner.outputs) {
      if (name !== "") names.set(name, wanted.get(name) ?? editor.unique(body.prefix + name));
    }
    results.push(withOutputs(renameInputs(inner, names), names));
  }
  // A result that no node of the body makes under the node's own name: given from outside, constant, or asked for twice.
  body.outputs.forEach((name, i) => {
    const output = node.outputs[i] ?? "";
    const value = names.get(name) ?? name;
    if (output !== "" && value !== output) results.push(identity(value, output));
  });
  editor.replace(node, results);
}

const withOutputs = (node: Node, names: ReadonlyMap<string, string>): Node => ({
  ...node,
  outputs: node.outputs.map((name) => (name === "" ? "" : names.get(name)!)),
});

const identity = (from: string, to: string): Node => ({
  name: "",
  opType: "Identity",
  domain: "",
  overload: "",
  inputs: [from],
  outputs: [to],
  attributes: new Map<string, Attribute>(),
  docString: "",
  metadata: new Map(),
});

/** The body of a branch: its graph has no inputs, it sees the names around. */
export const bodyOfGraph = (graph: Graph, alone: ReadonlySet<string>): Body => ({
  nodes: graph.nodes,
  initializers: graph.initializers,
  outputs: graph.outputs.map(({ name }) => name),
  prefix: "",
  sources: "",
  alone,
});
