// Rewriting every graph of a model, inner graphs before the graph around them, sharing whatever does not change.

import { internal } from "../base/errors.js";
import type { Attribute, FunctionDefinition, Graph, Model, Node } from "./model.js";
import { type Scope, scopeOf, topScope } from "./traverse.js";

export interface MapOptions {
  /** Visit function bodies too, as graphs without initializers; a body must stay without. Default false. */
  readonly functions?: boolean;
}

/** One graph that is due for rewriting; the caller answers with its replacement. */
interface Visit {
  readonly graph: Graph;
  readonly outer: Scope;
  readonly body: FunctionDefinition | undefined;
}

/**
 * Applies `rewrite` to every graph, inner graphs first, so that the outer one sees its nodes with new bodies. `outer`
 * is the scope around the graph as it was before this call. Gives the same object back when nothing changed.
 */
export async function mapGraphs(
  model: Model,
  rewrite: (graph: Graph, outer: Scope, body?: FunctionDefinition) => Graph | Promise<Graph>,
  options: MapOptions = {},
): Promise<Model> {
  const walk = walkModel(model, options);
  let step = walk.next();
  while (!step.done) {
    const { graph, outer, body } = step.value;
    step = walk.next(await rewrite(graph, outer, body));
  }
  return step.value;
}

/** `mapGraphs` for a rewrite that waits for nothing. */
export function mapGraphsSync(
  model: Model,
  rewrite: (graph: Graph, outer: Scope, body?: FunctionDefinition) => Graph,
  options: MapOptions = {},
): Model {
  const walk = walkModel(model, options);
  let step = walk.next();
  while (!step.done) {
    const { graph, outer, body } = step.value;
    step = walk.next(rewrite(graph, outer, body));
  }
  return step.value;
}

type Walk<Result> = Generator<Visit, Result, Graph>;

function* walkModel(model: Model, options: MapOptions): Walk<Model> {
  const graph = yield* walkGraph(model.graph, topScope, undefined);
  let functions = model.functions;
  if (options.functions) {
    const mapped: FunctionDefinition[] = [];
    for (const definition of model.functions) mapped.push(yield* walkFunction(definition));
    if (mapped.some((definition, i) => definition !== model.functions[i])) functions = mapped;
  }
  return graph === model.graph && functions === model.functions ? model : { ...model, graph, functions };
}

function* walkFunction(definition: FunctionDefinition): Walk<FunctionDefinition> {
  const before = bodyGraph(definition);
  const after = yield* walkGraph(before, topScope, definition);
  if (after === before) return definition;
  if (after.initializers.size > 0) throw internal(`the body of function ${definition.name} cannot hold initializers`);
  return { ...definition, nodes: after.nodes, valueInfo: after.valueInfo };
}

/** A function body in the form of a graph, for code that works on graphs. */
export const bodyGraph = (definition: FunctionDefinition): Graph => ({
  name: definition.name,
  docString: "",
  inputs: definition.inputs.map((name) => ({ name })),
  outputs: definition.outputs.map((name) => ({ name })),
  valueInfo: definition.valueInfo,
  nodes: definition.nodes,
  initializers: new Map(),
});

function* walkGraph(graph: Graph, outer: Scope, body: FunctionDefinition | undefined): Walk<Graph> {
  let inner: Scope | undefined;
  let nodes: Node[] | undefined;
  for (const [i, node] of graph.nodes.entries()) {
    let attributes: Map<string, Attribute> | undefined;
    for (const [name, attribute] of node.attributes) {
      if (attribute.type !== "graph" && attribute.type !== "graphs") continue;
      inner ??= scopeOf(graph, outer);
      const mapped = yield* walkAttribute(attribute, inner, body);
      if (mapped !== attribute) attributes = (attributes ?? new Map(node.attributes)).set(name, mapped);
    }
    if (attributes) {
      nodes ??= graph.nodes.slice();
      nodes[i] = { ...node, attributes };
    }
  }
  return yield { graph: nodes ? { ...graph, nodes } : graph, outer, body };
}

function* walkAttribute(
  attribute: Extract<Attribute, { type: "graph" | "graphs" }>,
  scope: Scope,
  body: FunctionDefinition | undefined,
): Walk<Attribute> {
  if (attribute.type === "graph") {
    const value = yield* walkGraph(attribute.value, scope, body);
    return value === attribute.value ? attribute : { ...attribute, value };
  }
  const value: Graph[] = [];
  for (const graph of attribute.value) value.push(yield* walkGraph(graph, scope, body));
  return value.every((graph, i) => graph === attribute.value[i]) ? attribute : { ...attribute, value };
}
