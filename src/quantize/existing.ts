// What shows that a model has been quantized before, by pare or by any other tool.

import type { Model } from "../ir/model.js";
import { everyNode } from "../ir/traverse.js";
import { DTYPES, type DType, elementCount } from "../tensor/dtype.js";
import { functionBody } from "../weights/function-bodies.js";

const OPERATORS =
  /^(?:MatMulNBits|MatMulBnb4|GatherBlockQuantized|QLinear\w+|QGemm|QAttention|QMoE|MatMulInteger\w*|ConvInteger|DynamicQuantize(?:MatMul|LSTM))$/;

/** Codes that are decoded by Cast and Gather: from so many on they are a weight. */
const CODES = 256;

/** The operators that work on codes, and the weights that are stored as codes, counted: undefined when there are none. */
export function quantizedAlready(model: Model): string | undefined {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  const constants = new Map<string, { readonly dtype: DType; readonly elements: number }>();
  const graphs = [model.graph, ...model.functions.map(functionBody)];
  for (const graph of graphs) {
    for (const [name, { dtype, dims }] of graph.initializers)
      constants.set(name, { dtype, elements: elementCount(dims) });
  }
  for (const node of everyNode(model, { functions: true })) {
    const constant = constants.get(node.inputs[0] ?? "");
    if (OPERATORS.test(node.opType)) count(node.opType);
    else if (node.opType === "DequantizeLinear" && constant) count("DequantizeLinear of weights");
    else if (node.opType === "Cast" && constant && constant.elements >= CODES && isCode(constant.dtype)) {
      count("weights stored as integers");
    }
  }
  const found = [...counts].sort(([, a], [, b]) => b - a).map(([what, times]) => `${times} ${what}`);
  return found.length > 0 ? found.join(", ") : undefined;
}

const isCode = (dtype: DType) => /^u?int\d+$/.test(dtype) && DTYPES[dtype].bits <= 16;
