// Matrix products with a constant on the right: MatMul as it is, Gemm taken apart into product, scaling and bias.

import { floatOf, intOf } from "../ir/attributes.js";
import type { Graph, Node } from "../ir/model.js";
import { toFloat16Bits } from "../tensor/float16.js";
import { float32, tensor } from "../tensor/tensor.js";
import { type Edits, makeNode } from "./rewrite.js";

/**
 * The nodes that do what `node` did, with `core` in place of the bare product: `core` makes value `output` from the
 * left operand `left`. alpha, beta, transA and the bias of a Gemm become nodes of their own.
 */
export function productNodes(
  edits: Edits,
  graph: Graph,
  node: Node,
  dtype: "float32" | "float16",
  core: (left: string, output: string) => readonly Node[],
): readonly Node[] {
  const [left = "", , bias = ""] = node.inputs;
  const [output = ""] = node.outputs;
  if (node.opType === "MatMul") return core(left, output);
  const nodes: Node[] = [];
  const scalar = (name: string, value: number) => {
    const fresh = edits.fresh(`${output}_${name}`);
    const bits = Uint16Array.of(toFloat16Bits(value));
    edits.addConstant(graph, fresh, dtype === "float16" ? tensor("float16", [], bits) : float32([], [value]));
    return fresh;
  };
  let operand = left;
  if (intOf(node, "transA", 0) !== 0) {
    operand = edits.fresh(`${output}_left`);
    nodes.push(makeNode("Transpose", [left], [operand], { perm: [1, 0] }));
  }
  const alpha = floatOf(node, "alpha", 1);
  const beta = floatOf(node, "beta", 1);
  const biased = bias !== "" && beta !== 0;
  let product = alpha === 1 && !biased ? output : edits.fresh(`${output}_product`);
  nodes.push(...core(operand, product));
  if (alpha !== 1) {
    const scaled = biased ? edits.fresh(`${output}_scaled`) : output;
    nodes.push(makeNode("Mul", [product, scalar("alpha", alpha)], [scaled]));
    product = scaled;
  }
  if (biased) {
    let added = bias;
    if (beta !== 1) {
      added = edits.fresh(`${output}_bias`);
      nodes.push(makeNode("Mul", [bias, scalar("beta", beta)], [added]));
    }
    nodes.push(makeNode("Add", [product, added], [output]));
  }
  return nodes;
}
