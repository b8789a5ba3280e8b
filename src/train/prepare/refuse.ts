// Models whose weights are not numbers to be trained: what there is to do instead is said by name.

import { unsupported } from "../../base/errors.js";
import { type Note, warning } from "../../base/note.js";
import { label, type Model } from "../../ir/model.js";
import { everyNode } from "../../ir/traverse.js";
import { operatorKey } from "../../ops/operator.js";
import type { Parameters } from "./weights.js";

const INTEGER = new Set(
  `QLinearConv QLinearMatMul ConvInteger MatMulInteger com.microsoft:QLinearAdd com.microsoft:QLinearMul
  com.microsoft:QLinearAveragePool com.microsoft:QLinearGlobalAveragePool com.microsoft:QLinearSigmoid
  com.microsoft:QLinearLeakyRelu com.microsoft:QLinearSoftmax com.microsoft:QLinearConcat com.microsoft:QLinearWhere
  com.microsoft:QLinearReduceMean com.microsoft:QLinearConv com.microsoft:QGemm com.microsoft:QAttention
  com.microsoft:QEmbedLayerNormalization com.microsoft:DynamicQuantizeMatMul com.microsoft:DynamicQuantizeLSTM
  com.microsoft:MatMulIntegerToFloat com.microsoft:MatMulInteger16 com.microsoft:MatMulNBits com.microsoft:MatMulBnb4
  com.microsoft:MatMulFpQ4 com.microsoft:GatherBlockQuantized com.microsoft:QMoE`.split(/\s+/),
);

/** Throws `unsupported("integer-model")` naming the operators that compute with codes. */
export function refuseIntegers(model: Model): void {
  const nodes = [...everyNode(model, { functions: true })].filter((node) => INTEGER.has(operatorKey(node)));
  if (nodes.length === 0) return;
  const kinds = [...new Set(nodes.map((node) => node.opType))].join(", ");
  throw unsupported(
    "integer-model",
    `The model computes with integers (${kinds}): there is nothing to differentiate.`,
    {
      node: label(nodes[0]!),
      expected: "float operators; weights may be stored as float16, or as codes behind DequantizeLinear",
      found: `${nodes.length} nodes of ${kinds}`,
      hint: "Train the float model that it was made from, and quantize the result.",
    },
  );
}

/**
 * Weights that the graph unpacks from codes at every load have no form of their own to be trained in. Throws
 * `unsupported("packed-weights")` where there are no others; else a note for each.
 */
export function refusePacked({ trained, packed }: Parameters): Note[] {
  const [first] = packed;
  if (first !== undefined && trained === 0) {
    throw unsupported("packed-weights", "The weights are packed: the graph computes them from constants.", {
      node: label(first),
      expected: "weights stored as floats, or as codes behind DequantizeLinear",
      found: `${packed.length} nodes with packed weights`,
      hint: "Train the float model that it was made from, and compress the result.",
    });
  }
  return packed.map((node) =>
    warning("weight-packed", "Its weight is computed from constants: not trained.", label(node)),
  );
}
