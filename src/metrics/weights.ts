// Which constants are weights, and how many elements each stands for.

import { intOf } from "../ir/attributes.js";
import type { Model } from "../ir/model.js";
import { DTYPES } from "../tensor/dtype.js";
import { type Constant, constants, type Surroundings, type Use } from "./constants.js";
import { decodedWeights, isCode } from "./decoded.js";

/** Elements of all weights: of packed and of sparse ones what they stand for, not what is stored. */
export const parameterCount = (model: Model): number => countParameters(constants(model));

export function countParameters(all: readonly Constant[]): number {
  const decoded = decodedWeights(all);
  const plain = all.filter((one) => isWeight(one) && !decoded.parts.has(one));
  return (
    plain.reduce((sum, weight) => sum + weightElements(weight), 0) +
    decoded.weights.reduce((sum, weight) => sum + weight.elements, 0)
  );
}

/** A constant of numbers of float type, or codes of 8 bits and fewer, but not their scales and zero points. */
export function isWeight({ dtype, uses, within }: Constant): boolean {
  const { kind } = DTYPES[dtype];
  const numeric = kind === "float" || kind === "complex" || isCode(dtype);
  return numeric && !(uses.length > 0 && uses.every((use) => isScaleOrZeroPoint(use, within)));
}

/** Inputs that hold scales, zero points or codebooks, by operator: ONNX and ContribOperators.md. */
const SCALE_INPUTS: Readonly<Record<string, readonly number[]>> = {
  QuantizeLinear: [1, 2],
  DequantizeLinear: [1, 2],
  MatMulInteger: [2, 3],
  ConvInteger: [2, 3],
  QLinearConv: [1, 2, 4, 5, 6, 7],
  QLinearMatMul: [1, 2, 4, 5, 6, 7],
  DynamicQuantizeMatMul: [2, 3],
  DynamicQuantizeLSTM: [8, 9, 10, 11],
  MatMulNBits: [2, 3, 4],
  MatMulBnb4: [2],
  GatherBlockQuantized: [2, 3],
};

function isScaleOrZeroPoint({ node, input }: Use, within: Surroundings): boolean {
  if (SCALE_INPUTS[node.opType]?.includes(input)) return true;
  const next = within.usesOf(node.outputs[0] ?? "");
  // Self-extracting weights: (Cast(codes) - Cast(zero point)) * scale, the scale perhaps reshaped.
  if (node.opType === "Cast" && isCode(within.constantOf(node.inputs[0] ?? "")?.dtype)) {
    return next.length > 0 && next.every((use) => use.node.opType === "Sub" && use.input === 1);
  }
  if (node.opType === "Reshape" && input === 0) {
    return next.length > 0 && next.every((use) => isScale(use, within));
  }
  return isScale({ node, input }, within);
}

/** The factor of decoded codes, or of the scale that a dynamic product finds for its activations. */
function isScale({ node, input }: Pick<Use, "node" | "input">, within: Surroundings): boolean {
  const other = node.inputs[1 - input] ?? "";
  if (node.opType !== "Mul") return false;
  return isDecoded(other, within) || within.producerOf(other)?.opType === "DynamicQuantizeLinear";
}

function isDecoded(name: string, within: Surroundings): boolean {
  const maker = within.producerOf(name);
  if (maker?.opType === "Sub") return isDecoded(maker.inputs[0] ?? "", within);
  return maker?.opType === "Cast" && isCode(within.constantOf(maker.inputs[0] ?? "")?.dtype);
}

/** Elements a weight stands for: MatMulNBits and its kin pack several codes into a byte. */
export function weightElements(weight: Constant): number {
  for (const { node, input } of weight.uses) {
    if (node.opType === "MatMulNBits" && input === 1) return intOf(node, "K", 0) * intOf(node, "N", 0);
    if (node.opType === "MatMulBnb4" && input === 1) return intOf(node, "K", 0) * intOf(node, "N", 0);
    if (node.opType === "GatherBlockQuantized" && input === 0 && weight.dtype === "uint8") {
      return weight.elements * Math.floor(8 / intOf(node, "bits", 4));
    }
  }
  return weight.elements;
}
