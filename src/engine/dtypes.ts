// The element type of a value that could not be observed, because the runtime's JavaScript interface cannot carry it.

import { intOf } from "../ir/attributes.js";
import type { Graph, Node } from "../ir/model.js";
import { type DType, dtypeOfCode } from "../tensor/dtype.js";

/** What the file states, else what the operator's form says, else the type of its first input. */
export function guessDType(
  graph: Graph,
  node: Node,
  output: string,
  known: ReadonlyMap<string, { readonly dtype: DType }>,
): DType {
  const stated = (graph.valueInfo.get(output) ?? graph.outputs.find(({ name }) => name === output))?.type;
  if (stated?.kind === "tensor" && stated.dtype !== undefined) return stated.dtype;
  const input = (index: number) => known.get(node.inputs[index] ?? "")?.dtype;
  const to = intOf(node, "to", 0) || (node.opType === "Cast" ? 0 : intOf(node, "output_dtype", 0));
  if (to !== 0) return dtypeOfCode(to, output);
  switch (node.opType) {
    case "Shape":
    case "Size":
    case "ArgMax":
    case "ArgMin":
    case "NonZero":
      return "int64";
    case "Equal":
    case "Greater":
    case "GreaterOrEqual":
    case "Less":
    case "LessOrEqual":
    case "Not":
    case "And":
    case "Or":
    case "IsNaN":
    case "IsInf":
      return "bool";
    case "DequantizeLinear":
    case "CastLike":
    case "Where":
      return input(1) ?? "float32";
    case "QuantizeLinear":
      return input(2) ?? "uint8";
    case "MatMulInteger":
    case "ConvInteger":
      return "int32";
    case "Constant": {
      const value = node.attributes.get("value");
      return value?.type === "tensor" ? value.value.dtype : "float32";
    }
    default:
      return input(0) ?? "float32";
  }
}

/** A first guess for every value of the graph, before anything has run. */
export function guessedDTypes(graph: Graph): Map<string, DType> {
  const known = new Map<string, { readonly dtype: DType }>(graph.initializers);
  for (const { name, type } of graph.inputs) {
    if (type?.kind === "tensor" && type.dtype !== undefined) known.set(name, { dtype: type.dtype });
  }
  for (const node of graph.nodes) {
    for (const output of node.outputs) {
      if (output !== "") known.set(output, { dtype: guessDType(graph, node, output, known) });
    }
  }
  return new Map([...known].map(([name, { dtype }]) => [name, dtype]));
}
