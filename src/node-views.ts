// Every node of a model with the element types around it: what the file states, what constants are, and what operators
// make of them. Bodies of If, Loop, Scan and of functions included; a function is seen once for each set of types.

import { type FunctionDefinition, type Graph, label, type Model, type Node, type ValueInfo } from "./ir/model.js";
import { outputTypes } from "./ops/types.js";
import type { ConstantView, NodeView } from "./targets/node-view.js";
import { plainDomain, typesOf } from "./targets/place.js";
import { LETTERS, schemaOf } from "./targets/support/kernels.js";
import type { DType } from "./tensor/dtype.js";

type Type = DType | "other" | undefined;

/** In order of the file, the nodes of a body after the node that holds it. */
export function nodeViews(model: Model): readonly NodeView[] {
  const walk = new Walk(model);
  walk.graph(model.graph, "", model.opsets, undefined, []);
  return walk.views;
}

interface Frame {
  readonly types: Map<string, Type>;
  readonly constants: Map<string, ConstantView>;
  readonly makers: Map<string, MutableView>;
  readonly outer: Frame | undefined;
}

interface MutableView extends NodeView {
  readonly users: NodeView[];
}

class Walk {
  readonly views: NodeView[] = [];
  private readonly calls = new Map<string, readonly Type[]>();
  private readonly functions: ReadonlyMap<string, FunctionDefinition>;

  constructor(model: Model) {
    this.functions = new Map(model.functions.map((one) => [functionKey(one.domain, one.name, one.overload), one]));
  }

  /** Types of the graph's outputs. `given`: types of its inputs, where what holds it knows them. */
  graph(
    graph: Graph,
    where: string,
    opsets: ReadonlyMap<string, number>,
    outer: Frame | undefined,
    given: readonly Type[],
  ): readonly Type[] {
    const frame: Frame = { types: new Map(), constants: new Map(), makers: new Map(), outer };
    const inputs = new Set(graph.inputs.map(({ name }) => name));
    for (const [name, { dtype, dims }] of graph.initializers) {
      frame.types.set(name, dtype);
      if (!inputs.has(name)) frame.constants.set(name, { dtype, dims });
    }
    for (const [i, input] of graph.inputs.entries()) frame.types.set(input.name, declared(input) ?? given[i]);
    const stated = (name: string) =>
      declared(graph.valueInfo.get(name) ?? graph.outputs.find((output) => output.name === name));
    this.nodes(graph.nodes, frame, where, opsets, stated);
    return graph.outputs.map((output) => lookUp(frame, output.name) ?? declared(output));
  }

  private nodes(
    nodes: readonly Node[],
    frame: Frame,
    where: string,
    opsets: ReadonlyMap<string, number>,
    stated: (name: string) => Type,
  ): void {
    for (const node of nodes) {
      const called = this.functions.get(functionKey(node.domain, node.opType, node.overload));
      const view = viewOf(node, frame, where, opsets, called !== undefined);
      this.views.push(view);
      for (const name of new Set(node.inputs)) makerOf(frame, name)?.users.push(view);
      const inner = this.bodies(node, frame, where, opsets);
      const made = called ? this.call(called, node, frame) : inner;
      const types = made ?? operatorTypes(view, frame);
      for (const [i, output] of node.outputs.entries()) {
        if (output === "") continue;
        frame.types.set(output, types[i] ?? stated(output));
        frame.makers.set(output, view);
      }
      const value = node.opType === "Constant" ? node.attributes.get("value") : undefined;
      if (node.opType === "Constant" && node.outputs[0] !== undefined) {
        const dtype = frame.types.get(node.outputs[0]);
        const dims = value?.type === "tensor" ? value.value.dims : [];
        if (dtype !== undefined && dtype !== "other") frame.constants.set(node.outputs[0], { dtype, dims });
      }
    }
  }

  /** Types of a control-flow node's outputs, from its bodies; undefined for nodes without any. */
  private bodies(node: Node, frame: Frame, where: string, opsets: ReadonlyMap<string, number>) {
    const name = label(node);
    const inputs = node.inputs.map((input) => lookUp(frame, input));
    let types: readonly Type[] | undefined;
    for (const [attribute, value] of node.attributes) {
      if (value.type !== "graph") continue;
      const given: readonly Type[] = node.opType === "Loop" ? ["int64", "bool", ...inputs.slice(2)] : inputs;
      const path = where === "" ? `${name}/${attribute}` : `${where}/${name}/${attribute}`;
      const outputs = this.graph(value.value, path, opsets, frame, node.opType === "If" ? [] : given);
      types ??= node.opType === "Loop" ? outputs.slice(1) : outputs;
    }
    return types;
  }

  private call(called: FunctionDefinition, node: Node, frame: Frame): readonly Type[] {
    const given = called.inputs.map((_, i) => lookUp(frame, node.inputs[i] ?? ""));
    const key = `${functionKey(called.domain, called.name, called.overload)}(${given.join()})`;
    const known = this.calls.get(key);
    if (known) return known;
    // Before its body: a function that calls itself is no valid model, and no reason to run for ever.
    this.calls.set(key, []);
    const inner: Frame = { types: new Map(), constants: new Map(), makers: new Map(), outer: undefined };
    for (const [i, name] of called.inputs.entries()) {
      inner.types.set(name, given[i]);
      const constant = constantOf(frame, node.inputs[i] ?? "");
      if (constant) inner.constants.set(name, constant);
    }
    const where = `function ${called.domain === "" ? "" : `${called.domain}:`}${called.name}`;
    this.nodes(called.nodes, inner, where, called.opsets, (name) => declared(called.valueInfo.get(name)));
    const types = called.outputs.map((name) => lookUp(inner, name));
    this.calls.set(key, types);
    return types;
  }
}

function viewOf(
  node: Node,
  frame: Frame,
  where: string,
  opsets: ReadonlyMap<string, number>,
  call: boolean,
): MutableView {
  return {
    node,
    where,
    version: opsets.get(plainDomain(node)) ?? (plainDomain(node) === "" ? opsets.get("ai.onnx") : undefined),
    call,
    dtype: (name) => lookUp(frame, name),
    constant: (name) => constantOf(frame, name),
    producer: (name) => makerOf(frame, name),
    users: [],
  };
}

/** The definition of the operator says which outputs have the type of which input; ops/types.ts knows the rest. */
function operatorTypes(view: NodeView, frame: Frame): readonly Type[] {
  const { node } = view;
  const schema = schemaOf(plainDomain(node), node.opType, view.version ?? 1);
  const bound = schema === undefined ? new Map<string, DType | undefined>() : typesOf(view, schema);
  const known = outputTypes(node, (name) => {
    const type = lookUp(frame, name);
    return type === "other" ? undefined : type;
  });
  return node.outputs.map((_, i) => {
    const name = schema?.outputs[Math.min(i, schema.outputs.length - 1)];
    if (name === undefined || schema?.mixed) return known[i];
    if (name === "?") return "other";
    return name.startsWith("=") ? LETTERS[name[1]!] : (bound.get(name) ?? known[i]);
  });
}

function declared(info: ValueInfo | undefined): Type {
  const type = info?.type;
  if (type === undefined || type.kind === "unset") return undefined;
  return type.kind === "tensor" ? type.dtype : "other";
}

const functionKey = (domain: string, name: string, overload: string) => `${domain}:${name}:${overload}`;

const lookUp = (frame: Frame, name: string): Type =>
  frame.types.has(name) || frame.outer === undefined ? frame.types.get(name) : lookUp(frame.outer, name);

const constantOf = (frame: Frame, name: string): ConstantView | undefined =>
  frame.types.has(name) || frame.outer === undefined ? frame.constants.get(name) : constantOf(frame.outer, name);

const makerOf = (frame: Frame, name: string): MutableView | undefined =>
  frame.types.has(name) || frame.outer === undefined ? frame.makers.get(name) : makerOf(frame.outer, name);
