// A short way to write graphs, for tests, gradients and rewrites.

import type { DType } from "../tensor/dtype.js";
import { type AttributeInput, attribute } from "./attributes.js";
import type { FunctionDefinition, Graph, Initializer, Model, Node, Shape, ValueInfo, ValueType } from "./model.js";

export interface NodeOptions {
  readonly name?: string;
  readonly domain?: string;
  readonly overload?: string;
  /** Names of the outputs, or how many to name; default 1. "" leaves an optional output out. */
  readonly outputs?: readonly string[] | number;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly metadata?: ReadonlyMap<string, string>;
}

export interface ModelOptions {
  /** Version of the default domain; default 21. */
  readonly opset?: number;
  /** Other domains and their versions. */
  readonly opsets?: Readonly<Record<string, number>>;
  /** ir_version; default 10 (11 from opset 23, 8 below opset 19). */
  readonly ir?: number;
  readonly functions?: readonly FunctionDefinition[];
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface GraphBuilder {
  /** Each gives the value's name back. Leave `shape` out when the rank is not known. */
  input(name: string, dtype: DType, shape?: Shape): string;
  /** `value` must be made by then or later. Type and shape may be left out where the reader infers them. */
  output(value: string, dtype?: DType, shape?: Shape): string;
  initializer(name: string, value: Initializer): string;
  /** States type and shape of an inner value. */
  info(value: string, dtype: DType, shape?: Shape): string;
  /** Adds a node after those before and gives the name of its first output: `<op>_<n>` unless named. */
  node(opType: string, inputs: readonly string[], options?: NodeOptions): string;
  /** `node` for the names of all outputs. */
  nodes(opType: string, inputs: readonly string[], options?: NodeOptions): string[];
  graph(): Graph;
  model(options?: ModelOptions): Model;
}

/** `prefix` stands before every name the builder makes up: subgraphs need one, their names must differ from those around. */
export function graphBuilder(name = "graph", prefix = ""): GraphBuilder {
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfo = new Map<string, ValueInfo>();
  const initializers = new Map<string, Initializer>();
  const nodes: Node[] = [];
  const taken = new Set<string>();
  const fresh = (opType: string) => {
    for (let i = 0; ; i++) {
      const candidate = `${prefix}${opType.toLowerCase()}_${nodes.length + i}`;
      if (!taken.has(candidate)) return candidate;
    }
  };
  const add = (opType: string, from: readonly string[], options: NodeOptions = {}): string[] => {
    const wanted = options.outputs ?? 1;
    const names: string[] = [];
    for (let i = 0; i < (typeof wanted === "number" ? wanted : wanted.length); i++) {
      const output = typeof wanted === "number" ? fresh(opType) : wanted[i]!;
      taken.add(output);
      names.push(output);
    }
    nodes.push(makeNode(opType, from, names, options));
    return names;
  };
  const builder: GraphBuilder = {
    input(input, dtype, shape) {
      inputs.push(tensorInfo(input, dtype, shape));
      taken.add(input);
      return input;
    },
    output(value, dtype, shape) {
      outputs.push(dtype === undefined ? { name: value } : tensorInfo(value, dtype, shape));
      return value;
    },
    initializer(weight, value) {
      initializers.set(weight, value);
      taken.add(weight);
      return weight;
    },
    info(value, dtype, shape) {
      valueInfo.set(value, tensorInfo(value, dtype, shape));
      return value;
    },
    node: (opType, from, options) => add(opType, from, options)[0] ?? "",
    nodes: add,
    graph: () => ({ name, docString: "", inputs, outputs, valueInfo, nodes, initializers }),
    model: (options) => makeModel(builder.graph(), options),
  };
  return builder;
}

/** A node outside any graph, for rewrites. */
export const makeNode = (
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  options: Omit<NodeOptions, "outputs"> = {},
): Node => ({
  name: options.name ?? "",
  opType,
  domain: options.domain ?? "",
  overload: options.overload ?? "",
  inputs,
  outputs,
  attributes: new Map(Object.entries(options.attributes ?? {}).map(([key, value]) => [key, attribute(value)])),
  docString: "",
  metadata: options.metadata ?? new Map(),
});

/** A model around a graph. */
export function makeModel(graph: Graph, options: ModelOptions = {}): Model {
  const opset = options.opset ?? 21;
  return {
    irVersion: options.ir ?? (opset >= 23 ? 11 : opset >= 19 ? 10 : 8),
    opsets: new Map([["", opset], ...Object.entries(options.opsets ?? {})]),
    producerName: "pare",
    producerVersion: "",
    domain: "",
    modelVersion: 0n,
    docString: "",
    metadata: new Map(Object.entries(options.metadata ?? {})),
    graph,
    functions: options.functions ?? [],
  };
}

/** A local function from a graph without initializers: its inputs, outputs and nodes. */
export const makeFunction = (
  domain: string,
  name: string,
  graph: Graph,
  options: { readonly opset?: number; readonly attributes?: readonly string[] } = {},
): FunctionDefinition => ({
  name,
  domain,
  overload: "",
  docString: "",
  inputs: graph.inputs.map((input) => input.name),
  outputs: graph.outputs.map((output) => output.name),
  attributes: options.attributes ?? [],
  attributeDefaults: new Map(),
  nodes: graph.nodes,
  opsets: new Map([["", options.opset ?? 21]]),
  valueInfo: graph.valueInfo,
  metadata: new Map(),
});

export function tensorInfo(name: string, dtype: DType | undefined, shape?: Shape): ValueInfo {
  const type: ValueType = { kind: "tensor", dtype, shape };
  return { name, type };
}
