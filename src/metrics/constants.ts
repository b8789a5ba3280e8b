// Every constant tensor of a model, wherever it stands: initializers, sparse ones, Constant nodes, in subgraphs and
// functions too. Reads no bytes.

import { type Attribute, type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { type DType, elementCount } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";

export interface Constant {
  readonly name: string;
  /** "" in the main graph; else the way there: "If:out/then_branch", "function local.Gelu". */
  readonly scope: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly elements: number;
  /** As stored: packed, sparse parts together. */
  readonly bytes: number;
  /** The stored parts: one, or the values and the indices of a sparse one. */
  readonly parts: readonly Tensor[];
  readonly sparse: boolean;
  readonly uses: readonly Use[];
  /** The body it stands in: to follow what becomes of it. */
  readonly within: Surroundings;
}

/** What can be asked of a body's values. */
export interface Surroundings {
  /** A value as this body sees it, one of a body around it perhaps; the same object for the same value. */
  valueOf(name: string): BodyValue | undefined;
  usesOf(name: string): readonly Use[];
  producerOf(name: string): Node | undefined;
  /** A constant of this body; undefined for what is computed. */
  constantOf(name: string): Initializer | undefined;
}

export interface BodyValue {
  readonly constant: Initializer | undefined;
  readonly maker: Node | undefined;
  readonly uses: readonly Use[];
  /** The body that defines it. */
  readonly within: Surroundings;
}

export interface Use {
  readonly node: Node;
  readonly input: number;
  /** The body that the node stands in. */
  readonly within: Surroundings;
}

/** A list of nodes with what it defines: a graph, or the body of a function. */
export interface Body {
  readonly scope: string;
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Initializer>;
  /** The body whose values this one sees; undefined for the main graph and for functions. */
  readonly outer: Body | undefined;
  /** Whether it stands in a function: written once, run wherever the function is called. */
  readonly inFunction: boolean;
}

/** The main graph, then nested ones in node order, then functions. */
export function* bodies(model: Model): Iterable<Body> {
  yield* withNested({
    scope: "",
    nodes: model.graph.nodes,
    initializers: model.graph.initializers,
    outer: undefined,
    inFunction: false,
  });
  for (const { name, domain, nodes } of model.functions) {
    const scope = `function ${domain === "" ? "" : `${domain}.`}${name}`;
    yield* withNested({ scope, nodes, initializers: new Map(), outer: undefined, inFunction: true });
  }
}

function* withNested(body: Body): Iterable<Body> {
  yield body;
  for (const node of body.nodes) {
    for (const [name, attribute] of node.attributes) {
      for (const [index, graph] of graphsOf(attribute).entries()) {
        const scope = `${body.scope === "" ? "" : `${body.scope}/`}${label(node)}/${name}${index === 0 ? "" : index}`;
        yield* withNested({
          scope,
          nodes: graph.nodes,
          initializers: graph.initializers,
          outer: body,
          inFunction: body.inFunction,
        });
      }
    }
  }
}

export const graphsOf = (attribute: Attribute): readonly Graph[] =>
  attribute.type === "graph" ? [attribute.value] : attribute.type === "graphs" ? attribute.value : [];

/** In graph order: a body's initializers, then its Constant nodes. */
export function constants(model: Model): readonly Constant[] {
  const all = [...bodies(model)];
  const around = surroundingsOf(all);
  const found: Constant[] = [];
  for (const body of all) {
    const within = around.get(body)!;
    for (const [name, initializer] of body.initializers) {
      const parts = initializer.sparse ? [initializer.sparse.values, initializer.sparse.indices] : [initializer];
      found.push(constant(name, body.scope, initializer, parts, within));
    }
    for (const node of body.nodes) {
      const value = node.attributes.get("value") ?? node.attributes.get("sparse_value");
      // The scalar forms of a Constant node (value_float ...) hold too little to count.
      if (node.opType !== "Constant" || node.domain !== "" || value === undefined) continue;
      const name = node.outputs[0] ?? "";
      if (value.type === "tensor") found.push(constant(name, body.scope, value.value, [value.value], within));
      else if (value.type === "sparse") {
        const { values, indices } = value.value.sparse;
        found.push(constant(name, body.scope, value.value, [values, indices], within));
      }
    }
  }
  return found;
}

function constant(
  name: string,
  scope: string,
  { dtype, dims }: { readonly dtype: DType; readonly dims: readonly number[] },
  parts: readonly Tensor[],
  within: Surroundings,
): Constant {
  const bytes = parts.reduce((sum, part) => sum + stored(part), 0);
  const sparse = parts.length > 1;
  return {
    name,
    scope,
    dtype,
    dims,
    elements: elementCount(dims),
    bytes,
    parts,
    sparse,
    uses: within.usesOf(name),
    within,
  };
}

/** A subgraph sees the names of the graphs around it: uses are told to the body that defines the name. */
function surroundingsOf(all: readonly Body[]): ReadonlyMap<Body, Surroundings> {
  const uses = new Map<Body, Map<string, Use[]>>();
  const around = new Map<Body, Surroundings>();
  for (const body of all) {
    const defined = new Map<string, Use[]>();
    for (const name of body.initializers.keys()) defined.set(name, []);
    for (const node of body.nodes) for (const output of node.outputs) defined.set(output, []);
    uses.set(body, defined);
    // Outer bodies come first.
    around.set(body, surroundings(body, defined, body.outer && around.get(body.outer)));
  }
  for (const body of all) {
    for (const node of body.nodes) {
      for (const [input, name] of node.inputs.entries()) {
        let from: Body | undefined = body;
        while (from !== undefined && !uses.get(from)?.has(name)) from = from.outer;
        if (from !== undefined && name !== "")
          uses
            .get(from)
            ?.get(name)
            ?.push({ node, input, within: around.get(body)! });
      }
    }
  }
  return around;
}

function surroundings(
  body: Body,
  uses: ReadonlyMap<string, readonly Use[]>,
  outer: Surroundings | undefined,
): Surroundings {
  const producers = new Map<string, Node>();
  for (const node of body.nodes) for (const output of node.outputs) producers.set(output, node);
  const values = new Map<string, BodyValue>();
  const within: Surroundings = {
    usesOf: (name) => uses.get(name) ?? [],
    producerOf: (name) => producers.get(name),
    constantOf(name) {
      const value = producers.get(name)?.attributes.get("value");
      return body.initializers.get(name) ?? (value?.type === "tensor" ? value.value : undefined);
    },
    valueOf(name) {
      if (!uses.has(name)) return outer?.valueOf(name);
      let value = values.get(name);
      if (value === undefined) {
        value = { constant: within.constantOf(name), maker: producers.get(name), uses: uses.get(name)!, within };
        values.set(name, value);
      }
      return value;
    },
  };
  return within;
}

const stored = (tensor: Tensor): number =>
  tensor.strings ? tensor.strings.reduce((sum, text) => sum + text.byteLength, 0) : tensor.data.byteLength;
