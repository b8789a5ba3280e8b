// The float16 graph: every float32 value is made in float16 or stays, and a Cast stands wherever the two meet. Nodes are
// written in order as they are visited, so that each Cast follows what it casts.

import { int, tensorAttribute } from "../../ir/attributes.js";
import type { Attribute, Graph, Initializer, Model, Node, ValueInfo } from "../../ir/model.js";
import { subgraphs, topological } from "../../ir/traverse.js";
import { outputTypes } from "../../ops/types.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { type Tensor, tensor } from "../../tensor/tensor.js";
import { makeNode } from "../rewrite.js";
import type { HalfPolicy } from "./policy.js";
import { givesFloat32, SIZE_ARITHMETIC, staysFloat32, TYPE_ATTRIBUTES } from "./rules.js";

type Precision = "half" | "full";

/** A float32 value of the original graph and the names that stand for it now, or a value of another type. */
interface Entry {
  readonly dtype: DType | undefined;
  half?: string;
  full?: string;
  /** Given for weights: either form can be had. */
  readonly weight?: { readonly tensor: Tensor; readonly body: Body };
  /** Computed from sizes alone. */
  readonly size?: boolean;
  readonly constant?: boolean;
}

export function toHalf(model: Model, policy: HalfPolicy): Model {
  const body = new Body(policy, undefined, model.graph, policy.io === "float16" ? "half" : "full", false);
  const graph = body.convert([]);
  return { ...model, graph };
}

/** One graph while it is converted. */
class Body {
  readonly #entries = new Map<string, Entry>();
  readonly #nodes: Node[] = [];
  readonly #initializers: Map<string, Initializer>;
  /** Casts made here of values from around. */
  readonly #casts = new Map<string, string>();
  readonly #outputs: ReadonlySet<string>;

  constructor(
    private readonly policy: HalfPolicy,
    private readonly outer: Body | undefined,
    private readonly source: Graph,
    /** What float32 inputs and outputs become. */
    private readonly border: Precision,
    /** Nothing inside may change, except to take captured values in float32. */
    private readonly frozen: boolean,
  ) {
    this.#initializers = new Map(source.initializers);
    this.#outputs = new Set(source.outputs.map((output) => output.name));
  }

  /** `inputTypes`: types of the inputs of a subgraph as the node around it gives them. */
  convert(inputTypes: readonly (DType | undefined)[]): Graph {
    const { source } = this;
    const inputs = source.inputs.map((info, at) => this.#input(info, inputTypes[at]));
    for (const [name, tensor] of source.initializers) {
      if (this.#entries.has(name)) continue;
      const dense = tensor.sparse === undefined && tensor.dtype === "float32";
      if (!dense) this.#entries.set(name, { dtype: tensor.dtype, constant: true });
      else this.#entries.set(name, { dtype: "float32", full: name, constant: true, weight: { tensor, body: this } });
    }
    for (const node of topological(source)) this.#node(node);
    const outputs = source.outputs.map((info) => this.#output(info));
    return this.#finished(inputs, outputs);
  }

  #input(info: ValueInfo, given: DType | undefined): ValueInfo {
    const dtype = given ?? (info.type?.kind === "tensor" ? info.type.dtype : undefined);
    // An input with a default value keeps it as it is.
    const half =
      this.#borderOf(info.name) === "half" && dtype === "float32" && !this.source.initializers.has(info.name);
    this.#entries.set(info.name, dtype === "float32" ? { dtype, [half ? "half" : "full"]: info.name } : { dtype });
    return half ? retyped(info) : info;
  }

  #node(node: Node): void {
    const bodies = subgraphs(node);
    const types = bodies.length > 0 ? [] : outputTypes(node, (name) => this.#typeOf(name));
    const stated = node.outputs.map((name, at) => types[at] ?? this.#statedType(name));
    const floats = [
      ...node.inputs.filter((name) => this.#typeOf(name) === "float32"),
      ...node.outputs.filter((name, at) => name !== "" && stated[at] === "float32"),
    ];
    const size = this.#isSize(node);
    const reason = floats.length + bodies.length > 0 ? this.#obstacle(node, floats, size) : undefined;
    // A float Constant that is still a node is a graph output, and stays as it is.
    const constant = node.opType === "Constant" && node.domain === "";
    const full = reason !== undefined || size || constant || this.frozen;
    if (reason !== undefined && floats.length > 0) this.policy.kept(node, reason);

    const inputs = node.inputs.map((name, at) =>
      this.#typeOf(name) === "float32" ? this.want(name, full || staysFloat32(node, at) ? "full" : "half") : name,
    );
    const { attributes, given } = this.#attributes(node, full);
    const made = node.outputs.map((name, at) => {
      const dtype = bodies.length > 0 ? (given[at] ?? stated[at]) : stated[at];
      const full32 = full || givesFloat32(node, at);
      return name === "" ? name : this.#define(name, dtype, full32 ? "full" : "half", { size, constant });
    });
    const same =
      attributes === node.attributes &&
      inputs.every((name, at) => name === node.inputs[at]) &&
      made.every((name, at) => name === node.outputs[at]);
    this.#nodes.push(same ? node : { ...node, inputs, outputs: made, attributes });
  }

  /** Notes a value that a node gives, and says under which name it is written. */
  #define(
    name: string,
    dtype: DType | undefined,
    precision: Precision,
    facts: Pick<Entry, "size" | "constant">,
  ): string {
    if (dtype !== "float32") {
      this.#entries.set(name, { dtype, ...facts });
      return name;
    }
    const taken = this.#outputs.has(name) && precision !== this.#borderOf(name);
    const written = taken ? this.policy.fresh(`${name}_float${precision === "half" ? 16 : 32}`) : name;
    this.#entries.set(name, { dtype, [precision]: written, ...facts });
    return written;
  }

  #obstacle(node: Node, floats: readonly string[], size: boolean): string | undefined {
    if (this.frozen || size) return undefined;
    const unknown = node.inputs.some((name) => name !== "" && this.#find(name)?.dtype === undefined);
    if (unknown && floats.length > 0 && subgraphs(node).length === 0) return "the type of what it takes is not known";
    return this.policy.obstacle(node, floats);
  }

  /** What a float32 input or output of this graph becomes. */
  #borderOf(name: string): Precision {
    return this.outer === undefined && this.policy.float16Io(name) ? "half" : this.border;
  }

  /** The name of a float32 value in a precision, here: with a Cast, once, where it is not made in it. */
  want(name: string, precision: Precision): string {
    const entry = this.#find(name);
    if (entry === undefined) return name;
    const ready = entry[precision];
    if (precision === "full" && entry.weight && this.policy.stores(name)) this.#store(name, entry, entry.weight);
    if (ready !== undefined) return ready;
    if (entry.weight) {
      const { tensor, body } = entry.weight;
      const added = this.policy.fresh(`${name}_float16`);
      body.#initializers.set(added, this.policy.half(name, tensor) as Initializer);
      entry.half = added;
      return added;
    }
    const own = this.#entries.get(name) === entry;
    const known = own ? undefined : this.#casts.get(`${precision} ${name}`);
    if (known !== undefined) return known;
    const from = (precision === "half" ? entry.full : entry.half)!;
    const wanted = own && this.#outputs.has(name) && precision === this.#borderOf(name);
    const cast = wanted ? name : this.policy.fresh(`${name}_float${precision === "half" ? 16 : 32}`);
    this.#nodes.push(
      makeNode("Cast", [from], [cast], { to: DTYPES[precision === "half" ? "float16" : "float32"].code }),
    );
    if (own) entry[precision] = cast;
    else this.#casts.set(`${precision} ${name}`, cast);
    return cast;
  }

  /** A weight that is needed in float32: float16 in the file, and a Cast in front, folded when the model loads. */
  #store(name: string, entry: Entry, { tensor, body }: NonNullable<Entry["weight"]>): void {
    if (!body.#initializers.has(name)) return;
    const stored = entry.half ?? this.policy.fresh(`${name}_float16`);
    entry.half = stored;
    body.#initializers.delete(name);
    body.#initializers.set(stored, this.policy.half(name, tensor) as Initializer);
    body.#nodes.unshift(makeNode("Cast", [stored], [name], { to: DTYPES.float32.code }));
  }

  #find(name: string): Entry | undefined {
    return name === ""
      ? undefined
      : (this.#entries.get(name) ?? (this.outer === undefined ? undefined : this.outer.#find(name)));
  }

  #statedType(name: string): DType | undefined {
    const type = (this.source.valueInfo.get(name) ?? this.source.outputs.find((output) => output.name === name))?.type;
    return type?.kind === "tensor" ? type.dtype : undefined;
  }

  #isSize(node: Node): boolean {
    if (node.opType === "Shape" || node.opType === "Size") return true;
    if (node.domain !== "" || !SIZE_ARITHMETIC.has(node.opType)) return false;
    const computed = node.inputs.flatMap((name) => {
      const entry = this.#find(name);
      return entry === undefined || entry.constant ? [] : [entry];
    });
    return computed.length > 0 && computed.every((entry) => entry.size);
  }

  /** The attributes as they must be now, bodies converted; `given`: the types that the bodies give as outputs of the node. */
  #attributes(node: Node, full: boolean) {
    const changes: [string, Attribute][] = [];
    let given: readonly (DType | undefined)[] = [];
    const inside = (graph: Graph) => {
      const types = graph.inputs.map((_, at) => {
        if (node.opType === "Loop") return at < 2 ? undefined : this.#typeOf(node.inputs[at] ?? "");
        return node.opType === "Scan" ? this.#typeOf(node.inputs[at] ?? "") : undefined;
      });
      const body = new Body(this.policy, this, graph, full ? "full" : "half", full);
      const converted = body.convert(types);
      const outputs = graph.outputs.map(({ name, type }) => {
        return body.#typeOf(name) ?? (type?.kind === "tensor" ? type.dtype : undefined);
      });
      // The body of a Loop gives its condition first.
      const own = outputs.slice(node.opType === "Loop" ? 1 : 0);
      given = own.map((dtype, at) => dtype ?? given[at]);
      return converted;
    };
    for (const [name, attribute] of node.attributes) {
      if (attribute.type === "graph") changes.push([name, { ...attribute, value: inside(attribute.value) }]);
      if (attribute.type === "graphs") changes.push([name, { ...attribute, value: attribute.value.map(inside) }]);
    }
    if (!full && node.domain === "") changes.push(...this.#typeChanges(node));
    const attributes = changes.length === 0 ? node.attributes : new Map([...node.attributes, ...changes]);
    return { attributes, given };
  }

  #typeOf(name: string): DType | undefined {
    return this.#find(name)?.dtype;
  }

  /** Attributes that say float32. */
  #typeChanges(node: Node): [string, Attribute][] {
    const name = TYPE_ATTRIBUTES[node.opType];
    if (name !== undefined) {
      const stated = node.attributes.get(name);
      const byDefault = stated === undefined && (node.opType === "RandomNormal" || node.opType === "RandomUniform");
      const isFloat = stated?.type === "int" && stated.value === BigInt(DTYPES.float32.code);
      return isFloat || byDefault ? [[name, int(DTYPES.float16.code)]] : [];
    }
    if (node.opType !== "ConstantOfShape") return [];
    const value = node.attributes.get("value");
    if (value?.type !== "tensor") return [["value", tensorAttribute(tensor("float16", [1], new Uint16Array(1)))]];
    if (value.value.dtype !== "float32") return [];
    return [["value", tensorAttribute(this.policy.half(node.outputs[0]!, value.value))]];
  }

  #output(info: ValueInfo): ValueInfo {
    const entry = this.#find(info.name);
    if (entry?.dtype !== "float32") return info;
    if (this.outer === undefined && entry.weight === undefined && this.#entries.get(info.name) === entry) {
      // A name that callers know: `#node` has left it free for the form that is wanted.
      const border = this.#borderOf(info.name);
      const given = this.want(info.name, border);
      if (given !== info.name) this.#nodes.push(makeNode("Identity", [given], [info.name]));
      return border === "half" ? retyped(info) : info;
    }
    if (this.outer === undefined) return info;
    // Outputs of a subgraph are known by their place.
    const name = this.want(info.name, this.border);
    return this.border === "half" ? retyped({ ...info, name }) : { ...info, name };
  }

  #finished(inputs: readonly ValueInfo[], outputs: readonly ValueInfo[]): Graph {
    const used = new Set(outputs.map((output) => output.name));
    const note = (nodes: readonly Node[]) => {
      for (const node of nodes) {
        for (const name of node.inputs) used.add(name);
        for (const inner of subgraphs(node)) {
          for (const output of inner.outputs) used.add(output.name);
          note(inner.nodes);
        }
      }
    };
    note(this.#nodes);
    const { source } = this;
    // A float32 weight that all take in float16 now goes; one that nobody used before stays.
    const initializers = new Map(
      [...this.#initializers].filter(([name]) => used.has(name) || this.#entries.get(name)?.half === undefined),
    );
    const valueInfo = new Map<string, ValueInfo>();
    for (const [name, info] of source.valueInfo) {
      const entry = this.#entries.get(name);
      if (entry?.dtype !== "float32" || entry.full === name) valueInfo.set(name, info);
      else if (entry.half === name) valueInfo.set(name, retyped(info));
    }
    return { ...source, inputs, outputs, nodes: this.#nodes, initializers, valueInfo };
  }
}

function retyped(info: ValueInfo): ValueInfo {
  return info.type?.kind === "tensor" ? { ...info, type: { ...info.type, dtype: "float16" } } : info;
}
