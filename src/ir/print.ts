// The text form of a model: stable from run to run, for snapshots and for people. It never reads a weight's bytes beyond
// the few of a small constant attribute, so it is as fast for 20 GB as for 20 KB.

import type {
  Attribute,
  FunctionDefinition,
  Graph,
  Initializer,
  Model,
  Node,
  Shape,
  ValueInfo,
  ValueType,
} from "./model.js";

/**
 * One line per input, weight, node and output; graphs inside nodes are indented. Weights as `float32[64, 3, 7, 7] #37632
 * bytes`, nodes as `%y = Conv<group=1>(%x, %w)`. Names are as in the file, quoted where they hold blanks.
 */
export function print(model: Model): string {
  const lines: string[] = [];
  const opsets = [...model.opsets].map(([domain, version]) => `${domain === "" ? "ai.onnx" : domain} ${version}`);
  lines.push(`model ir ${model.irVersion}, opset ${opsets.join(", ")}`);
  if (model.producerName !== "")
    lines.push(`producer ${text(`${model.producerName} ${model.producerVersion}`.trim())}`);
  if (model.domain !== "") lines.push(`domain ${text(model.domain)}`);
  if (model.modelVersion !== 0n) lines.push(`version ${model.modelVersion}`);
  for (const [key, value] of model.metadata) lines.push(`metadata ${text(key)} = ${text(value)}`);
  lines.push(...graphLines(model.graph, ""));
  for (const definition of model.functions) lines.push(...functionLines(definition));
  return `${lines.join("\n")}\n`;
}

function graphLines(graph: Graph, indent: string): string[] {
  const inner = `${indent}  `;
  const lines = [`${indent}graph ${text(graph.name)} {`];
  for (const input of graph.inputs) lines.push(`${inner}input ${port(input)}`);
  for (const [name, weight] of graph.initializers) lines.push(`${inner}weight ${value(name)}: ${weightText(weight)}`);
  for (const node of graph.nodes) lines.push(...nodeLines(node, inner));
  for (const output of graph.outputs) lines.push(`${inner}output ${port(output)}`);
  lines.push(`${indent}}`);
  return lines;
}

function functionLines(definition: FunctionDefinition): string[] {
  const overload = definition.overload === "" ? "" : `:${definition.overload}`;
  const opsets = [...definition.opsets].map(([domain, version]) => `${domain === "" ? "ai.onnx" : domain} ${version}`);
  const attributes = [
    ...definition.attributes,
    ...[...definition.attributeDefaults].map(([name, otherwise]) => `${name}=${attributeText(otherwise)}`),
  ];
  const lines = [
    `function ${definition.domain}.${definition.name}${overload}` +
      `${attributes.length > 0 ? `<${attributes.join(", ")}>` : ""}(${definition.inputs.map(value).join(", ")})` +
      ` -> ${definition.outputs.map(value).join(", ")}, opset ${opsets.join(", ")} {`,
  ];
  for (const node of definition.nodes) lines.push(...nodeLines(node, "  "));
  lines.push("}");
  return lines;
}

function nodeLines(node: Node, indent: string): string[] {
  const outputs = node.outputs.map(value).join(", ");
  const domain = node.domain === "" ? "" : `${node.domain}.`;
  const overload = node.overload === "" ? "" : `:${node.overload}`;
  const graphs: string[] = [];
  const attributes: string[] = [];
  // Sorted: the order of attributes means nothing and differs between writers.
  for (const [name, attribute] of [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    attributes.push(`${name}=${attributeText(attribute)}`);
    if (attribute.type === "graph") graphs.push(...graphLines(attribute.value, `${indent}  `));
    if (attribute.type === "graphs")
      for (const graph of attribute.value) graphs.push(...graphLines(graph, `${indent}  `));
  }
  const named = node.name === "" ? "" : ` # ${text(node.name)}`;
  const head = `${indent}${outputs} = ${domain}${node.opType}${overload}`;
  return [
    `${head}${attributes.length > 0 ? `<${attributes.join(", ")}>` : ""}(${node.inputs.map(value).join(", ")})${named}`,
    ...graphs,
  ];
}

function attributeText(attribute: Attribute): string {
  switch (attribute.type) {
    case "int":
      return String(attribute.value);
    case "float":
      return floatText(attribute.value);
    case "string":
      return JSON.stringify(decoder.decode(attribute.value));
    case "ints":
      return list(attribute.value.map(String));
    case "floats":
      return list(attribute.value.map(floatText));
    case "strings":
      return list(attribute.value.map((bytes) => JSON.stringify(decoder.decode(bytes))));
    case "tensor":
      return weightText(attribute.value);
    case "tensors":
      return list(attribute.value.map(weightText));
    case "sparse":
      return weightText(attribute.value);
    case "sparses":
      return list(attribute.value.map(weightText));
    case "graph":
      return `graph ${text(attribute.value.name)}`;
    case "graphs":
      return list(attribute.value.map((graph) => `graph ${text(graph.name)}`));
    case "type":
      return typeText(attribute.value);
    case "types":
      return list(attribute.value.map(typeText));
    case "reference":
      return `@${attribute.value}`;
  }
}

const decoder = new TextDecoder();
const list = (items: readonly string[]) => `[${items.join(", ")}]`;

/** Always with a point or exponent, so that 1 and 1.0 are told apart; as short as float32 allows. */
function floatText(number: number): string {
  let short = String(number);
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(number.toPrecision(digits));
    if (Math.fround(candidate) === number) {
      short = String(candidate);
      break;
    }
  }
  return /^-?\d+$/.test(short) ? `${short}.0` : short;
}

function weightText(weight: Initializer): string {
  const kind = `${weight.dtype}${dims(weight.dims)}`;
  if (weight.sparse) return `sparse ${kind}, ${weight.sparse.values.dims[0] ?? 0} values`;
  if (weight.dtype === "string") return `${kind} ${weight.strings?.length ?? 0} strings`;
  return `${kind} #${weight.data.byteLength} bytes`;
}

const dims = (shape: Shape) => `[${shape.map((dim) => dim ?? "?").join(", ")}]`;

/** `float32[batch, 3]`, `sequence(float32[?])`; `unset` when the file states nothing. */
export function typeText(type: ValueType | undefined): string {
  switch (type?.kind) {
    case "tensor":
    case "sparse-tensor":
      return `${type.kind === "tensor" ? "" : "sparse "}${type.dtype ?? "?"}${type.shape ? dims(type.shape) : ""}`;
    case "sequence":
    case "optional":
      return `${type.kind}(${typeText(type.element)})`;
    case "map":
      return `map(${type.key ?? "?"}, ${typeText(type.value)})`;
    case "opaque":
      return `opaque(${type.domain}.${type.name})`;
    default:
      return "unset";
  }
}

const port = (info: ValueInfo) => (info.type ? `${value(info.name)}: ${typeText(info.type)}` : value(info.name));
const value = (name: string) => (name === "" ? "_" : `%${plain(name) ? name : JSON.stringify(name)}`);
const text = (name: string) => (plain(name) ? name : JSON.stringify(name));
const plain = (name: string) => /^[^\s"%(),=#{}<>\\]+$/.test(name);
