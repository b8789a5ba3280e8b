// The invariants of a model. Whatever we write keeps them; a file that breaks them is refused with the place named.
//
//  1. opset-missing       every operator's domain has a version among the imports (of the model, or of the function);
//  2. value-redefined     a name is made once in a graph: by an input, an initializer or one node (an initializer may
//                         share its name with an input: the input's default);
//  3. value-shadowed      a subgraph does not make a name that is visible around it;
//  4. input-undefined     what a node uses is made before it, in its graph or around it;
//  5. order, graph-cycle  nodes stand after those they need; where no order exists there is a cycle;
//  6. output-undefined    graph outputs are made in the graph (those of a subgraph may be visible around it);
//     output-repeated     and are listed once;
//  7. operator-missing    each node names its operator; node-repeated: and stands in one place only;
//  8. attribute-type      the common attributes of standard operators have their type, integers are safe;
//     attribute-reference references to a function's attributes stand in functions, and name one;
//  9. dims-invalid, payload-size   dims are non-negative and exact, and the payload has just the bytes they ask for;
// 10. ir-version          the IR version knows every type and feature used;
// 11. function-missing, function-repeated, function-recursive   calls lead to one definition and come back;
// 12. subgraph-arity      bodies of If and Loop give as many values as their node has outputs.

import { invalid } from "../base/errors.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import { bodyGraph } from "./map.js";
import { type FunctionDefinition, type Graph, label, type Model, type Node, type ValueType } from "./model.js";
import { captures, everyNode, producers, subgraphs, topological, uses } from "./traverse.js";
import { attributeProblems, minimumIr, weightProblems } from "./verify-parts.js";

export interface Problem {
  /** One of the codes above. */
  readonly code: string;
  /** Label of the node, or name of the value, function or graph. */
  readonly node: string;
  readonly message: string;
}

/** Everything wrong with a model, in graph order; empty when it is sound. Reads no weight. */
export function verify(model: Model): readonly Problem[] {
  const found: Problem[] = [];
  const report = (code: string, node: string, message: string) => void found.push({ code, node, message });
  const facts: Facts = { report, model, functions: functionIndex(model, report), seen: new Set() };
  checkGraph(model.graph, { opsets: model.opsets, visible: undefined, definition: undefined }, facts);
  for (const definition of model.functions) {
    checkGraph(bodyGraph(definition), { opsets: definition.opsets, visible: undefined, definition }, facts);
  }
  checkRecursion(model, facts);
  checkIrVersion(model, facts);
  return found;
}

/** Throws `invalid("model-invalid")` with the first problems, naming the nodes. `after`: who made the model. */
export function assertValid(model: Model, after?: string): void {
  const problems = verify(model);
  const first = problems[0];
  if (first === undefined) return;
  const shown = problems.slice(0, 5).map((problem) => `${problem.message} [${problem.code}]`);
  if (problems.length > 5) shown.push(`... and ${problems.length - 5} more.`);
  throw invalid("model-invalid", `The model${after ? ` after ${after}` : ""} is not valid. ${shown.join(" ")}`, {
    node: first.node,
  });
}

type Report = (code: string, node: string, message: string) => void;

interface Facts {
  readonly report: Report;
  readonly model: Model;
  readonly functions: ReadonlyMap<string, FunctionDefinition>;
  readonly seen: Set<Node>;
}

interface Place {
  readonly opsets: ReadonlyMap<string, number>;
  /** Names visible around the graph. */
  readonly visible: ReadonlySet<string> | undefined;
  /** The function whose body this is. */
  readonly definition: FunctionDefinition | undefined;
}

function checkGraph(graph: Graph, place: Place, facts: Facts): void {
  const { report } = facts;
  const made = new Set<string>();
  const around = (name: string) => place.visible?.has(name) === true;
  const define = (name: string, where: string) => {
    if (made.has(name)) report("value-redefined", where, `"${name}" is made twice in graph "${graph.name}".`);
    else if (around(name)) report("value-shadowed", where, `"${name}" is made again inside, in graph "${graph.name}".`);
    made.add(name);
  };
  for (const input of graph.inputs) define(input.name, input.name);
  const inputs = new Set(made);
  for (const [name, weight] of graph.initializers) {
    if (!inputs.has(name)) define(name, name);
    for (const problem of weightProblems(weight)) report(problem.code, name, `Weight "${name}": ${problem.text}`);
  }
  // A mutable view of what is visible so far; subgraphs look at it only while their node is checked.
  const visible = new Set([...(place.visible ?? []), ...made]);
  const makers = producers(graph);
  let ordered = true;
  for (const node of graph.nodes) {
    const name = label(node);
    if (facts.seen.has(node)) report("node-repeated", name, `Node ${name} stands in the graph twice.`);
    facts.seen.add(node);
    for (const used of uses(node)) {
      if (visible.has(used)) continue;
      if (makers.has(used)) ordered = false;
      else report("input-undefined", name, `${name} (${node.opType}) uses "${used}", which nothing makes.`);
    }
    checkNode(node, name, place, facts);
    for (const inner of subgraphs(node)) {
      const known = new Set(visible);
      // Undefined captures were reported above, with this node.
      for (const captured of captures(inner)) known.add(captured);
      checkGraph(inner, { ...place, visible: known }, facts);
    }
    for (const output of node.outputs) {
      if (output === "") continue;
      define(output, name);
      visible.add(output);
    }
  }
  if (!ordered) checkOrder(graph, report);
  const given = new Set<string>();
  for (const { name } of graph.outputs) {
    if (!made.has(name) && !around(name)) {
      report("output-undefined", name, `Output "${name}" of graph "${graph.name}" is made by nothing.`);
    }
    // Branches of an If may give one value twice; the outputs of a model are told apart by name.
    if (given.has(name) && place.visible === undefined)
      report("output-repeated", name, `Output "${name}" is listed twice.`);
    given.add(name);
  }
}

function checkOrder(graph: Graph, report: Report): void {
  try {
    const position = new Map(topological(graph).map((node, i) => [node, i]));
    const late = graph.nodes.find((node, i) => position.get(node) !== i);
    const name = late ? label(late) : graph.name;
    report("order", name, `${name} stands before a node whose result it needs, in graph "${graph.name}".`);
  } catch (error) {
    report("graph-cycle", graph.name, (error as Error).message);
  }
}

function checkNode(node: Node, name: string, place: Place, facts: Facts): void {
  const { report } = facts;
  if (node.opType === "") report("operator-missing", name, `Node ${name} names no operator.`);
  if (!place.opsets.has(node.domain)) {
    const domain = node.domain === "" ? "ai.onnx" : node.domain;
    report("opset-missing", name, `${name} (${node.opType}) is of domain ${domain}, which has no version here.`);
  }
  for (const { code, text } of attributeProblems(node, place.definition)) report(code, name, `${name}: ${text}`);
  const { domain } = node;
  // A domain that defines functions may hold operators of the runtime too: only an overload must be a function.
  if (node.overload !== "" && !facts.functions.has(key(node))) {
    report("function-missing", name, `${name} calls ${domain}.${node.opType}:${node.overload}, which is not defined.`);
  }
  if (domain !== "" || (node.opType !== "If" && node.opType !== "Loop")) return;
  for (const inner of subgraphs(node)) {
    const given = inner.outputs.length - (node.opType === "Loop" ? 1 : 0);
    const wrongInputs = node.opType === "If" ? inner.inputs.length !== 0 : inner.inputs.length < 2;
    if (given < node.outputs.length || wrongInputs) {
      const found = `${inner.inputs.length} inputs and ${inner.outputs.length} outputs`;
      report("subgraph-arity", name, `${name} (${node.opType}): graph "${inner.name}" has ${found}.`);
    }
  }
}

const key = (node: Node) => `${node.domain}\n${node.opType}\n${node.overload}`;
const functionKey = (it: FunctionDefinition) => `${it.domain}\n${it.name}\n${it.overload}`;

function functionIndex(model: Model, report: Report): Map<string, FunctionDefinition> {
  const found = new Map<string, FunctionDefinition>();
  for (const definition of model.functions) {
    const id = functionKey(definition);
    const name = `${definition.domain}.${definition.name}`;
    if (found.has(id)) report("function-repeated", name, `Function ${name} is defined twice.`);
    found.set(id, definition);
  }
  return found;
}

function checkRecursion(model: Model, facts: Facts): void {
  const state = new Map<FunctionDefinition, "open" | "done">();
  const visit = (definition: FunctionDefinition) => {
    if (state.has(definition)) {
      if (state.get(definition) !== "open") return;
      facts.report("function-recursive", definition.name, `Function ${definition.name} calls itself.`);
      return;
    }
    state.set(definition, "open");
    for (const node of everyNode({ ...model, graph: bodyGraph(definition) })) {
      const called = facts.functions.get(key(node));
      if (called) visit(called);
    }
    state.set(definition, "done");
  };
  for (const definition of model.functions) visit(definition);
}

function checkIrVersion(model: Model, { report }: Facts): void {
  const need = (version: number, where: string, what: string) => {
    if (model.irVersion < version) {
      report("ir-version", where, `${what} needs IR version ${version}; the model says ${model.irVersion}.`);
    }
  };
  for (const { dtype, where } of typesUsed(model)) need(DTYPES[dtype].ir, where, `Type ${dtype}`);
  for (const node of everyNode(model, { functions: true })) {
    const { version, what } = minimumIr(node);
    if (version > 0) need(version, label(node), what);
  }
  if (model.functions.length > 0) need(8, model.functions[0]!.name, "A local function");
  if (model.irVersion < 4) {
    const inputs = new Set(model.graph.inputs.map((input) => input.name));
    for (const name of model.graph.initializers.keys()) {
      if (!inputs.has(name)) need(4, name, `A weight that is not an input ("${name}")`);
    }
  }
}

function* typesUsed(model: Model): Generator<{ dtype: DType; where: string }> {
  const { graph } = model;
  for (const [name, weight] of graph.initializers) yield { dtype: weight.dtype, where: name };
  for (const info of [...graph.inputs, ...graph.outputs]) {
    const dtype = elementType(info.type);
    if (dtype) yield { dtype, where: info.name };
  }
  for (const node of everyNode(model, { functions: true })) {
    for (const attribute of node.attributes.values()) {
      if (attribute.type === "tensor") yield { dtype: attribute.value.dtype, where: label(node) };
      if (attribute.type !== "graph") continue;
      for (const [name, weight] of attribute.value.initializers) yield { dtype: weight.dtype, where: name };
    }
  }
}

function elementType(type: ValueType | undefined): DType | undefined {
  if (type?.kind === "tensor" || type?.kind === "sparse-tensor") return type.dtype;
  if (type?.kind === "sequence" || type?.kind === "optional") return elementType(type.element);
  return undefined;
}
