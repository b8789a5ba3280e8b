// A set of edits, collected while planning and applied at once: nodes replaced, constants replaced, nodes put in front.

import type { AttributeInput } from "../ir/attributes.js";
import { makeNode as build } from "../ir/build.js";
import { GraphEditor } from "../ir/edit.js";
import type { Attribute, Graph, Initializer, Model, Node } from "../ir/model.js";
import { definitions, everyGraph, subgraphs } from "../ir/traverse.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import { functionBody, withBody } from "../weights/function-bodies.js";

export type Parts = readonly (readonly [name: string, value: Initializer])[];

export class Edits {
  readonly #names = new Set<string>();
  readonly #nodeNames = new Set<string>();
  readonly #nodes = new Map<Node, readonly Node[]>();
  readonly #front = new Map<Graph, Node[]>();
  readonly #parts = new Map<Graph, Map<string, Parts>>();
  readonly #released = new Set<string>();
  readonly #added = new Map<Graph, Map<string, Initializer>>();

  constructor(readonly model: Model) {
    for (const graph of everyGraph(model)) {
      for (const name of definitions(graph)) this.#names.add(name);
      for (const output of graph.outputs) this.#names.add(output.name);
      for (const node of graph.nodes) this.#nodeNames.add(node.name);
    }
    // Names of a function are its own, but its body becomes part of the graph when the runtime loads it.
    for (const definition of model.functions) {
      for (const name of definitions(functionBody(definition))) this.#names.add(name);
    }
  }

  /** A value name that no graph of the model uses yet: `prefix`, else `prefix_1`, `prefix_2` ... */
  fresh(prefix: string): string {
    let name = prefix;
    for (let count = 1; this.#names.has(name); count++) name = `${prefix}_${count}`;
    this.#names.add(name);
    return name;
  }

  replaceNode(node: Node, nodes: readonly Node[]): void {
    for (const name of node.inputs) this.#released.add(name);
    this.#nodes.set(node, nodes);
  }

  replaced(node: Node): boolean {
    return this.#nodes.has(node);
  }

  /** The constant `name` of `graph` goes; its parts come at the end, in order, so that one computation serves them in turn. */
  replaceConstant(graph: Graph, name: string, parts: Parts): void {
    entry(this.#parts, graph, () => new Map<string, Parts>()).set(name, parts);
  }

  addConstant(graph: Graph, name: string, value: Initializer): void {
    entry(this.#added, graph, () => new Map<string, Initializer>()).set(name, value);
  }

  /** Nodes before all others of `graph`: they may use its constants only. */
  prepend(graph: Graph, nodes: readonly Node[]): void {
    entry(this.#front, graph, () => []).push(...nodes);
  }

  get empty(): boolean {
    return this.#nodes.size + this.#front.size + this.#parts.size + this.#added.size === 0;
  }

  /** The model with all edits, of every graph. Domains that new nodes need are added to its opsets. */
  apply(domains: Readonly<Record<string, number>> = {}): Model {
    if (this.empty) return this.model;
    const graph = this.#rewrite(this.model.graph);
    const opsets = new Map(this.model.opsets);
    for (const [domain, version] of Object.entries(domains)) if (!opsets.has(domain)) opsets.set(domain, version);
    const irVersion = Math.max(this.model.irVersion, ...this.#types().map((dtype) => DTYPES[dtype].ir));
    const functions = this.model.functions.map((definition) =>
      withBody(definition, this.#rewrite(functionBody(definition)), opsets),
    );
    const same = functions.every((definition, at) => definition === this.model.functions[at]);
    return { ...this.model, irVersion, opsets, graph, functions: same ? this.model.functions : functions };
  }

  /** Element types of all new constants. */
  #types(): DType[] {
    const parts = [...this.#parts.values()].flatMap((byName) => [...byName.values()].flat());
    const added = [...this.#added.values()].flatMap((byName) => [...byName]);
    return [...parts, ...added].map(([, value]) => value.dtype);
  }

  #rewrite(graph: Graph): Graph {
    const editor = new GraphEditor(graph);
    for (const node of graph.nodes) {
      const nodes = this.#nodes.get(node);
      if (nodes) {
        this.#nodeNames.delete(node.name);
        editor.replace(
          node,
          nodes.map((added) => this.#named(added)),
        );
      } else if (subgraphs(node).length > 0) {
        const inner = this.#rewriteInside(node);
        if (inner !== node) editor.replace(node, [inner]);
      }
    }
    editor.prepend((this.#front.get(graph) ?? []).map((added) => this.#named(added)));
    const parts = this.#parts.get(graph);
    for (const [name, values] of parts ?? []) {
      editor.removeInitializer(name);
      for (const [partName, value] of values) editor.setInitializer(partName, value);
    }
    for (const [name, value] of this.#added.get(graph) ?? []) editor.setInitializer(name, value);
    for (const name of graph.initializers.keys()) {
      // What only replaced nodes used goes with them.
      if (
        this.#released.has(name) &&
        !parts?.has(name) &&
        editor.consumers(name).length === 0 &&
        !editor.isOutput(name) &&
        // A default value belongs to its input.
        !editor.isInput(name)
      ) {
        editor.removeInitializer(name);
      }
    }
    return editor.done();
  }

  /** Node names are unique for ONNX Runtime, where they are given. */
  #named(node: Node): Node {
    let name = node.name;
    for (let count = 1; name !== "" && this.#nodeNames.has(name); count++) name = `${node.name}_${count}`;
    this.#nodeNames.add(name);
    return name === node.name ? node : { ...node, name };
  }

  #rewriteInside(node: Node): Node {
    const attributes = new Map<string, Attribute>();
    let changed = false;
    for (const [name, value] of node.attributes) {
      if (value.type === "graph") {
        const graph = this.#rewrite(value.value);
        changed ||= graph !== value.value;
        attributes.set(name, graph === value.value ? value : { ...value, value: graph });
      } else if (value.type === "graphs") {
        const graphs = value.value.map((graph) => this.#rewrite(graph));
        const same = graphs.every((graph, at) => graph === value.value[at]);
        changed ||= !same;
        attributes.set(name, same ? value : { ...value, value: graphs });
      } else attributes.set(name, value);
    }
    return changed ? { ...node, attributes } : node;
  }
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key);
  if (found !== undefined) return found;
  const made = make();
  map.set(key, made);
  return made;
}

/** A node whose name tells its output and operator, unless named. Attributes left undefined are not written. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeInput | undefined>> = {},
  domain = "",
  name = `${outputs[0] ?? ""}_${opType.toLowerCase()}`,
): Node {
  const given = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return build(opType, inputs, outputs, { name, domain, attributes: Object.fromEntries(given) });
}
