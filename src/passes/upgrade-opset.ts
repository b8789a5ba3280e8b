// Raises the opset of the default domain. Most operators only gained types and options on the way; those whose form
// changed are rewritten by the rules in upgrade/, one opset after the other; what has no newer form is refused by name.
// Subgraphs and function bodies are raised with the model. Other domains are not touched.

import { invalid, unsupported } from "../base/errors.js";
import { info, type Note } from "../base/note.js";
import { tensorAttribute } from "../ir/attributes.js";
import { makeNode } from "../ir/build.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphsSync } from "../ir/map.js";
import type { FunctionDefinition, Graph, Model, Node, ValueInfo } from "../ir/model.js";
import { everyGraph, everyNode, type Scope } from "../ir/traverse.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import { toBfloat16, toFloat16 } from "../tensor/float16.js";
import { float32, int64, type Tensor, tensor } from "../tensor/tensor.js";
import { OPERATORS } from "./upgrade/operators.js";
import { otherForms } from "./upgrade/other-forms.js";
import { type Literal, type Rule, refuse, type Site } from "./upgrade/rule.js";
import { toInputs } from "./upgrade/to-inputs.js";
import { valueFacts } from "./value-facts.js";

/** Before opset 7, Add, Mul, Gemm ... broadcast by attributes, and half of the operators had other forms. */
const OLDEST = 7;
/** The newest opset whose changes the rules know. */
const NEWEST = 25;

/**
 * The same model at opset `to` of the default domain; the very same one when it is that new already. Throws
 * `unsupported("opset-upgrade")` naming the first node that cannot be raised, `unsupported("opset-too-old")` below 7.
 */
export function upgradeOpset(model: Model, to: number): { readonly model: Model; readonly notes: readonly Note[] } {
  if (!Number.isInteger(to) || to < OLDEST || to > NEWEST) {
    throw invalid("opset-unknown", `Opset ${to} is not one to raise a model to.`, {
      expected: `${OLDEST} to ${NEWEST}`,
    });
  }
  const rewritten = new Map<string, number>();
  const floats = floatTypes(model);
  const raised = mapGraphsSync(
    model,
    (graph, outer, body) => {
      const from = (body ?? model).opsets.get("");
      if (from === undefined || from >= to) return graph;
      return upgradeGraph(graph, outer, body, { from, to, floats, rewritten });
    },
    { functions: true },
  );
  const result = {
    ...raised,
    opsets: raisedOpsets(raised.opsets, to),
    functions: raised.functions.map(functionAt(to)),
  };
  if (result.opsets === model.opsets && result.functions.every((it, i) => it === model.functions[i])) {
    return { model, notes: [] };
  }
  const notes = [...rewritten].map(([operator, count]) =>
    info("operator-upgraded", `${operator}: ${count} nodes have the form of opset ${to} now.`),
  );
  notes.unshift(info("opset-raised", `Opset ${model.opsets.get("") ?? "of functions"} was raised to ${to}.`));
  // Constants that were added are not inputs, which IR 3 asks for.
  const added = rewritten.size > 0;
  return { model: added ? { ...result, irVersion: Math.max(result.irVersion, 4) } : result, notes };
}

function raisedOpsets(opsets: ReadonlyMap<string, number>, to: number): ReadonlyMap<string, number> {
  const from = opsets.get("");
  return from === undefined || from >= to ? opsets : new Map([...opsets, ["", to] as const]);
}

const functionAt = (to: number) => (definition: FunctionDefinition) => {
  const opsets = raisedOpsets(definition.opsets, to);
  return opsets === definition.opsets ? definition : { ...definition, opsets };
};

interface Plan {
  readonly from: number;
  readonly to: number;
  readonly floats: ReadonlySet<DType>;
  /** Nodes rewritten by operator, for the notes. */
  readonly rewritten: Map<string, number>;
}

const RULES = new Map<string, Rule>();
for (const rule of [...toInputs, ...otherForms]) {
  for (const operator of rule.operators) RULES.set(`${operator} ${rule.at}`, rule);
}

function upgradeGraph(graph: Graph, outer: Scope, body: FunctionDefinition | undefined, plan: Plan): Graph {
  const editor = new GraphEditor(graph, outer);
  const { site, taken } = siteOf(editor, graph, outer, body, plan);
  for (const node of graph.nodes) {
    if (node.domain !== "") continue;
    check(node, plan);
    let forms: readonly Node[] = [node];
    for (let version = plan.from + 1; version <= plan.to; version++) {
      forms = forms.flatMap((form) => RULES.get(`${form.opType} ${version}`)?.apply(form, site) ?? form);
    }
    if (forms.length === 1 && forms[0] === node) continue;
    editor.replace(node, [...taken(), ...forms]);
    plan.rewritten.set(node.opType, (plan.rewritten.get(node.opType) ?? 0) + 1);
  }
  return editor.done();
}

function check(node: Node, { from, to }: Plan): void {
  if (!OPERATORS.has(node.opType)) throw refuse(node, to, "it is not an operator of ONNX");
  if (from >= OLDEST) return;
  throw unsupported(
    "opset-too-old",
    `Opset ${from} is too old to be raised: before ${OLDEST} operators broadcast by attributes.`,
    {
      node: node.name === "" ? node.opType : node.name,
      expected: `opset ${OLDEST} or newer`,
      found: `opset ${from}`,
      hint: "Raise it once with onnx.version_converter (Python), or export the model anew.",
    },
  );
}

/** The view of the graph that rules have, and the Constant nodes that they asked for since last time. */
function siteOf(
  editor: GraphEditor,
  graph: Graph,
  outer: Scope,
  body: FunctionDefinition | undefined,
  plan: Plan,
): { readonly site: Site; taken(): readonly Node[] } {
  const fact = valueFacts(graph, outer);
  const added = new Map<string, string>();
  let nodes: Node[] = [];
  const stated = new Map<string, ValueInfo>([
    ...graph.valueInfo,
    ...graph.outputs.map((info) => [info.name, info] as const),
  ]);
  const site: Site = {
    target: plan.to,
    fact,
    unique: (stem) => editor.unique(stem),
    isUsed: (name) => editor.isOutput(name) || editor.consumers(name).length > 0,
    initializer: (name) => editor.constant(name),
    floatType(name) {
      const known = fact(name).dtype;
      if (known) return known;
      const type = (stated.get(name) ?? outer.info(name))?.type;
      if (type?.kind === "tensor" && type.dtype) return type.dtype;
      return plan.floats.size === 1 ? [...plan.floats][0] : undefined;
    },
    constant(value, stem) {
      const key = `${value.dtype} [${value.dims}] ${value.values}`;
      const known = added.get(key);
      if (known !== undefined) return known;
      const name = editor.unique(stem);
      added.set(key, name);
      // A function body has no initializers.
      if (!body) editor.setInitializer(name, tensorOf(value));
      else nodes.push(makeNode("Constant", [], [name], { attributes: { value: tensorAttribute(tensorOf(value)) } }));
      return name;
    },
  };
  const taken = () => {
    const result = nodes;
    nodes = [];
    return result;
  };
  return { site, taken };
}

function tensorOf({ dtype, dims, values }: Literal): Tensor {
  switch (dtype) {
    case "int64":
      return int64(dims, values);
    case "float32":
      return float32(dims, values);
    case "float64":
      return tensor(dtype, dims, Float64Array.from(values));
    case "float16":
      return tensor(dtype, dims, toFloat16(Float32Array.from(values)));
    case "bfloat16":
      return tensor(dtype, dims, toBfloat16(Float32Array.from(values)));
  }
}

/** Float types of the weights, inputs and casts of a model: where there is one, every float value has it. */
function floatTypes(model: Model): ReadonlySet<DType> {
  const found = new Set<DType>();
  const add = (dtype: DType | undefined) => {
    if (dtype && DTYPES[dtype].kind === "float") found.add(dtype);
  };
  for (const graph of everyGraph(model)) {
    for (const weight of graph.initializers.values()) add(weight.dtype);
    for (const { type } of graph.inputs) if (type?.kind === "tensor") add(type.dtype);
  }
  for (const node of everyNode(model, { functions: true })) {
    const to = node.opType === "Cast" ? node.attributes.get("to") : undefined;
    const code = to?.type === "int" ? Number(to.value) : 0;
    for (const [dtype, facts] of Object.entries(DTYPES)) if (facts.code === code) add(dtype as DType);
    const value = node.attributes.get("value");
    if (value?.type === "tensor") add(value.value.dtype);
  }
  return found;
}
