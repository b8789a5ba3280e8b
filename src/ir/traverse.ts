// Questions about a graph: who makes a value, who uses it, in what order nodes can run, and what subgraphs see.

import { invalid } from "../base/errors.js";
import { type Graph, type Initializer, label, type Model, type Node, type ValueInfo } from "./model.js";

/** Which node makes each value. Graph inputs and initializers are not in it. */
export function producers(graph: Graph): Map<string, Node> {
  const found = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== "") found.set(output, node);
  return found;
}

/** The nodes of this graph that use each value, in graph order, those whose subgraphs capture it included. */
export function consumers(graph: Graph): Map<string, Node[]> {
  const found = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of uses(node)) {
      const list = found.get(name);
      if (list) list.push(node);
      else found.set(name, [node]);
    }
  }
  return found;
}

/** Every value that a node needs, once each: its inputs and what its subgraphs capture. */
export function uses(node: Node): Set<string> {
  const names = new Set(node.inputs);
  names.delete("");
  for (const graph of subgraphs(node)) for (const name of captures(graph)) names.add(name);
  return names;
}

/** The graphs among a node's attributes (bodies of If, Loop, Scan, SequenceMap), in attribute order. */
export function subgraphs(node: Node): Graph[] {
  const found: Graph[] = [];
  for (const attribute of node.attributes.values()) {
    if (attribute.type === "graph") found.push(attribute.value);
    else if (attribute.type === "graphs") found.push(...attribute.value);
  }
  return found;
}

const captured = new WeakMap<Graph, ReadonlySet<string>>();

/** Names that a graph, or a graph inside it, takes from the scope around it. */
export function captures(graph: Graph): ReadonlySet<string> {
  const known = captured.get(graph);
  if (known) return known;
  const defined = definitions(graph);
  const names = new Set<string>();
  for (const node of graph.nodes) for (const name of uses(node)) if (!defined.has(name)) names.add(name);
  for (const output of graph.outputs) if (!defined.has(output.name)) names.add(output.name);
  captured.set(graph, names);
  return names;
}

/** The nodes of a graph that these values need, in graph order, and the names of all that they read, the values among them. */
export function ancestry(graph: Graph, values: Iterable<string>): { nodes: Node[]; names: ReadonlySet<string> } {
  const makers = producers(graph);
  const names = new Set(values);
  const needed = new Set<Node>();
  // What is added to a set while it is walked is walked too.
  for (const name of names) {
    const maker = makers.get(name);
    if (maker === undefined || needed.has(maker)) continue;
    needed.add(maker);
    for (const used of uses(maker)) names.add(used);
  }
  return { nodes: graph.nodes.filter((node) => needed.has(node)), names };
}

/** Names that a graph itself defines: inputs, initializers, outputs of its nodes. */
export function definitions(graph: Graph): Set<string> {
  const names = new Set<string>(graph.initializers.keys());
  for (const input of graph.inputs) names.add(input.name);
  for (const node of graph.nodes) for (const output of node.outputs) names.add(output);
  names.delete("");
  return names;
}

/**
 * The nodes so that each stands after those it needs; the order of the file where that is one already.
 * Throws `invalid("graph-cycle")` naming the nodes of a cycle.
 */
export function topological(graph: Graph): Node[] {
  const makers = producers(graph);
  const done = new Set<Node>();
  const open = new Set<Node>();
  const order: Node[] = [];
  // An explicit stack: chains of 20,000 nodes are ordinary, and deeper than the call stack.
  for (const root of graph.nodes) {
    if (done.has(root)) continue;
    const stack: { node: Node; needs: Iterator<string> }[] = [];
    const enter = (node: Node) => {
      open.add(node);
      stack.push({ node, needs: uses(node).values() });
    };
    enter(root);
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const next = top.needs.next();
      if (next.done) {
        stack.pop();
        open.delete(top.node);
        done.add(top.node);
        order.push(top.node);
        continue;
      }
      const maker = makers.get(next.value);
      if (maker === undefined || done.has(maker)) continue;
      if (open.has(maker)) throw cycle(stack.map((entry) => entry.node).slice(indexOf(stack, maker)));
      enter(maker);
    }
  }
  return order;
}

const indexOf = (stack: readonly { node: Node }[], node: Node) => stack.findIndex((entry) => entry.node === node);

function cycle(nodes: readonly Node[]) {
  const names = nodes.map(label);
  const shown = names.length > 6 ? [...names.slice(0, 5), `... ${names.length - 6} more`, names.at(-1)] : names;
  return invalid("graph-cycle", `These nodes need each other's results: ${shown.join(" <- ")} <- ${names[0]}.`, {
    node: names[0],
    hint: "The file is damaged: an ONNX graph has no cycles.",
  });
}

/** The graphs around a graph, as seen from inside: what its captures mean. */
export interface Scope {
  /** Whether a name is visible from here. */
  has(name: string): boolean;
  /** The constant that a name stands for; undefined when it is computed, an input (also one with a default), or unknown. */
  constant(name: string): Initializer | undefined;
  /** What the file states of a value. */
  info(name: string): ValueInfo | undefined;
}

export const topScope: Scope = { has: () => false, constant: () => undefined, info: () => undefined };

/** What is visible inside the subgraphs of `graph`. */
export function scopeOf(graph: Graph, outer: Scope = topScope): Scope {
  const defined = definitions(graph);
  const inputs = new Map(graph.inputs.map((input) => [input.name, input]));
  return {
    has: (name) => defined.has(name) || outer.has(name),
    constant(name) {
      if (!defined.has(name)) return outer.constant(name);
      return inputs.has(name) ? undefined : graph.initializers.get(name);
    },
    info(name) {
      if (!defined.has(name)) return outer.info(name);
      return graph.valueInfo.get(name) ?? inputs.get(name) ?? graph.outputs.find((output) => output.name === name);
    },
  };
}

/** The main graph and every graph nested in it, outer before inner. Function bodies are not graphs. */
export function everyGraph(model: Model): Iterable<Graph> {
  return nested(model.graph);
}

function* nested(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) {
    for (const inner of subgraphs(node)) yield* nested(inner);
  }
}

/** Every node of the model: of all graphs, and with `functions` those of function bodies too. */
export function* everyNode(model: Model, options: { readonly functions?: boolean } = {}): Generator<Node> {
  for (const graph of nested(model.graph)) yield* graph.nodes;
  if (!options.functions) return;
  for (const definition of model.functions) {
    for (const node of definition.nodes) {
      yield node;
      for (const inner of subgraphs(node)) for (const graph of nested(inner)) yield* graph.nodes;
    }
  }
}
