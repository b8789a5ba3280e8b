// Fused attention: the packed projection where there is one, then queries by keys and weights by values.

import { intOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { defineOperator, dimsOf, product, type Shapes } from "./operator.js";

export const attention = defineOperator({
  name: "attention",
  summary: "Fused attention of the default domain and of com.microsoft",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md",
  operators: [
    "Attention",
    "com.microsoft:Attention",
    "com.microsoft:MultiHeadAttention",
    "com.microsoft:GroupQueryAttention",
  ],
  weights: (node) =>
    packsProjection(node)
      ? [
          { input: 1, role: "matrix", outputAxis: 1, reductionAxis: 0 },
          ...(node.inputs[2] ? [{ input: 2, role: "vector", outputAxis: 0, reductionAxis: undefined } as const] : []),
        ]
      : [],
  macs(node, shapes) {
    if (packsProjection(node)) return packed(node, shapes);
    const query = dimsOf(node.inputs[0], shapes);
    const key = dimsOf(node.inputs[1], shapes);
    const output = dimsOf(node.outputs[0], shapes);
    if (query === undefined || key === undefined || output === undefined) return undefined;
    // The present key cache, where given, tells the full length attended to: [batch, heads, length, head size].
    const present = dimsOf(node.outputs[1], shapes);
    const length = present?.length === 4 ? present[2]! : (key.length === 4 ? key[2] : key[1])!;
    return (product(query) + product(output)) * length;
  },
});

const packsProjection = (node: Node) => node.domain === "com.microsoft" && node.opType === "Attention";

function packed(node: Node, shapes: Shapes): number | undefined {
  const input = dimsOf(node.inputs[0], shapes);
  const weight = dimsOf(node.inputs[1], shapes);
  if (input?.length !== 3 || weight === undefined) return undefined;
  const [batch, sequence, hidden] = input as [number, number, number];
  const heads = intOf(node, "num_heads", 1);
  const inner = weight[1]! / 3;
  const perHead = inner / heads;
  return batch * sequence * hidden * weight[1]! + 2 * batch * heads * sequence * sequence * perHead;
}
