// The lowest IR version that covers what a model uses. Runtimes refuse versions newer than their own, so pare raises a
// model's version only as far as what it put in needs. Source: the comments of `enum Version` in onnx.proto.

import type {
  Attribute,
  FunctionDefinition,
  Graph,
  Initializer,
  Model,
  Node,
  ValueInfo,
  ValueType,
} from "../ir/model.js";
import { DTYPES, type DType, dtypeOfCode } from "../tensor/dtype.js";
import { keptOf } from "./kept.js";

/** At least 3, the first with opset imports. */
export function lowestIrVersion(model: Model): number {
  const need = new Need();
  need.graph(model.graph);
  for (const definition of model.functions) need.function(definition);
  const kept = keptOf(model.rest);
  if (kept?.extra !== undefined) need.atLeast(7); // training info
  if (kept?.fields?.configuration !== undefined) need.atLeast(11);
  // From version 4 on a weight that is also an input is a default that callers may replace; before, it is constant.
  const { inputs, initializers } = model.graph;
  if (model.irVersion >= 4 && inputs.some(({ name }) => initializers.has(name))) need.atLeast(4);
  return need.version;
}

/** The model with its IR version raised to what it needs; the same object when that is not more than it has. */
export function withIrVersion(model: Model): Model {
  const lowest = lowestIrVersion(model);
  return lowest > model.irVersion ? { ...model, irVersion: lowest } : model;
}

class Need {
  version = 3;

  atLeast(version: number): void {
    if (version > this.version) this.version = version;
  }

  graph(graph: Graph): void {
    const inputs = new Set(graph.inputs.map((input) => input.name));
    for (const [name, initializer] of graph.initializers) {
      if (!inputs.has(name)) this.atLeast(4);
      this.tensor(initializer);
    }
    for (const info of [...graph.inputs, ...graph.outputs, ...graph.valueInfo.values()]) this.info(info);
    for (const node of graph.nodes) this.node(node);
    const kept = keptOf(graph.rest)?.fields;
    if (kept?.quantizationAnnotation !== undefined) this.atLeast(5);
    if (kept?.metadataProps !== undefined) this.atLeast(10);
  }

  function(definition: FunctionDefinition): void {
    this.atLeast(8);
    if (definition.attributeDefaults.size > 0) this.atLeast(9);
    if (definition.overload !== "" || definition.metadata.size > 0 || definition.valueInfo.size > 0) this.atLeast(10);
    for (const attribute of definition.attributeDefaults.values()) this.attribute(attribute);
    for (const info of definition.valueInfo.values()) this.info(info);
    for (const node of definition.nodes) this.node(node);
  }

  private node(node: Node): void {
    if (node.overload !== "" || node.metadata.size > 0) this.atLeast(10);
    if (keptOf(node.rest)?.fields?.deviceConfigurations !== undefined) this.atLeast(11);
    for (const [name, attribute] of node.attributes) {
      // Cast and its like name an element type by its code; their result may have no entry in value_info.
      if (attribute.type === "int" && node.domain === "" && TYPE_CODES.has(name)) this.code(attribute.value);
      else this.attribute(attribute);
    }
  }

  private attribute(attribute: Attribute): void {
    if (attribute.type === "tensor" || attribute.type === "sparse") this.tensor(attribute.value);
    else if (attribute.type === "graph") this.graph(attribute.value);
    else if (attribute.type === "type") this.type(attribute.value);
    else if (attribute.type === "tensors" || attribute.type === "sparses") {
      for (const value of attribute.value) this.tensor(value);
    } else if (attribute.type === "graphs") for (const value of attribute.value) this.graph(value);
    else if (attribute.type === "types") for (const value of attribute.value) this.type(value);
  }

  private tensor(tensor: Pick<Initializer, "dtype" | "rest"> & { readonly sparse?: unknown }): void {
    this.dtype(tensor.dtype);
    if (tensor.sparse) this.atLeast(6);
    if (keptOf(tensor.rest)?.fields?.metadataProps !== undefined) this.atLeast(10);
  }

  private info(info: ValueInfo): void {
    if (info.type) this.type(info.type);
    if (info.metadata) this.atLeast(10);
  }

  private type(type: ValueType): void {
    if (type.kind === "optional" || type.kind === "sparse-tensor") this.atLeast(8);
    if ((type.kind === "tensor" || type.kind === "sparse-tensor") && type.dtype) this.dtype(type.dtype);
    if ((type.kind === "sequence" || type.kind === "optional") && type.element) this.type(type.element);
    if (type.kind === "map" && type.value) this.type(type.value);
  }

  private dtype(dtype: DType): void {
    this.atLeast(DTYPES[dtype].ir);
  }

  private code(code: bigint): void {
    const known = Object.values(DTYPES).some((facts) => facts.code === Number(code));
    if (known) this.dtype(dtypeOfCode(Number(code)));
  }
}

const TYPE_CODES = new Set(["to", "dtype", "output_dtype"]);
