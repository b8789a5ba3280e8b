// Y = alpha A' B', where ' exchanges the last two axes if asked: dA' = alpha dY B'^T, dB' = alpha A'^T dY, over broadcast
// batches. A vector counts as a matrix of one row or column.

import { unsupported } from "../../base/errors.js";
import { floatOf, intOf } from "../../ir/attributes.js";
import { label, type Node } from "../../ir/model.js";
import type { Emitter } from "../emitter.js";
import { defineGradient } from "./rule.js";

export const matmul = defineGradient({
  name: "matmul",
  summary: "MatMul: batched, broadcast, vectors; FusedMatMul with its transposes and alpha",
  operators: ["MatMul", "com.microsoft:FusedMatMul"],
  backward({ node, emit, input, gradient, needs }) {
    const [a, b] = [emit.dims(input(0)), emit.dims(input(1))];
    const turned = (name: string, value: string) => (turns(node, name) ? emit.swap(value) : value);
    const left = a.length === 1 ? emit.reshape(input(0), [1, a[0]!]) : turned("transA", input(0));
    const right = b.length === 1 ? emit.reshape(input(1), [b[0]!, 1]) : turned("transB", input(1));
    const dims = [...emit.dims(gradient(0)!)];
    // Where a vector stood, its dimension was taken from the result.
    if (b.length === 1) dims.push(1);
    if (a.length === 1) dims.splice(dims.length - 1, 0, 1);
    const dy = emit.scale(emit.reshape(gradient(0)!, dims), floatOf(node, "alpha", 1));
    const asInput = (product: string, padded: string, name: string, dims: readonly number[]) => {
      const own = emit.reduceTo(product, emit.dims(padded));
      return dims.length === 1 ? emit.reshape(own, dims) : turned(name, own);
    };
    return [
      needs(0) ? asInput(emit.matmul(dy, emit.swap(right)), left, "transA", a) : undefined,
      needs(1) ? asInput(rightGradient(emit, left, right, dy), right, "transB", b) : undefined,
    ];
  },
});

function rightGradient(emit: Emitter, left: string, right: string, dy: string): string {
  // A weight shared by the batch: one large product instead of a sum of small ones.
  if (emit.rank(right) === 2 && emit.rank(left) > 2) {
    const flat = (name: string) => {
      const size = emit.dims(name);
      return emit.reshape(name, [size.slice(0, -1).reduce((all, one) => all * one, 1), size.at(-1)!]);
    };
    return emit.matmul(emit.swap(flat(left)), flat(dy));
  }
  return emit.matmul(emit.swap(left), dy);
}

/** Whether FusedMatMul exchanges the last two axes of an operand; its exchange of batch axes has no rule. */
function turns(node: Node, name: string): boolean {
  if (node.domain === "") return false;
  if (intOf(node, "transBatchA", 0) !== 0 || intOf(node, "transBatchB", 0) !== 0) {
    throw unsupported("gradient-matmul", `${label(node)} (FusedMatMul) exchanges batch axes.`, {
      node: label(node),
      expected: "transBatchA 0 and transBatchB 0",
      hint: "Export the model without ONNX Runtime's fusions.",
    });
  }
  return intOf(node, name, 0) !== 0;
}
