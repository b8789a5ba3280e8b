// Einsum: the multiplications are the product of the sizes of all its indices, times the operands less one.

import { stringOf } from "../ir/attributes.js";
import { defineOperator, dimsOf } from "./operator.js";

export const einsum = defineOperator({
  name: "einsum",
  summary: "Einstein summation; counted without ellipsis",
  reference: "https://onnx.ai/onnx/operators/onnx__Einsum.html",
  operators: ["Einsum"],
  macs(node, shapes) {
    const [left = ""] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
    const terms = left.split(",");
    if (left.includes(".") || terms.length !== node.inputs.length) return undefined;
    const sizes = new Map<string, number>();
    for (const [at, term] of terms.entries()) {
      const dims = dimsOf(node.inputs[at], shapes);
      if (dims === undefined || dims.length !== term.length) return undefined;
      for (const [axis, index] of [...term].entries()) sizes.set(index, Math.max(sizes.get(index) ?? 1, dims[axis]!));
    }
    return [...sizes.values()].reduce((all, size) => all * size, Math.max(1, terms.length - 1));
  },
});
