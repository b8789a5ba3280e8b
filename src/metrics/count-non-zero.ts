// How many elements of the weights are not zero. Codes are compared with their zero point. Streamed.

import { intOf } from "../ir/attributes.js";
import type { Model, Node } from "../ir/model.js";
import { DTYPES, type DType } from "../tensor/dtype.js";
import type { Tensor, TensorData } from "../tensor/tensor.js";
import { type Constant, constants, type Surroundings } from "./constants.js";
import { type Decoded, decodedWeights, isCode } from "./decoded.js";
import { isWeight, weightElements } from "./weights.js";

export async function nonZeroCount(model: Model, signal?: AbortSignal): Promise<number> {
  const all = constants(model);
  const { weights, parts } = decodedWeights(all);
  let count = 0;
  for (const decoded of weights) {
    signal?.throwIfAborted();
    count += await nonZeroOfDecoded(decoded, all);
  }
  for (const weight of all.filter((one) => isWeight(one) && !parts.has(one))) {
    signal?.throwIfAborted();
    const zero = await zeroCode(weight, all);
    count += zero === undefined ? weightElements(weight) : await countUnequalOf(weight, zero);
  }
  return count;
}

/** Codes of a byte each, and what says where the non-zeros of a sparse weight stand, are read; all others count as dense. */
async function nonZeroOfDecoded(decoded: Decoded, all: readonly Constant[]): Promise<number> {
  const { elements, makers } = decoded;
  if (elements === 0) return 0;
  for (const [node, within] of makers) {
    if (node.opType === "ScatterElements") return decoded.sizeOf(node.inputs[2] ?? "", within) ?? elements;
    if (node.opType !== "CumSum" || intOf(node, "exclusive", 0) === 0) continue;
    const mask = sourceOf(node.inputs[0] ?? "", within);
    if (mask) return countUnequal(mask.data, 1, 0, false);
  }
  const codes = all.find(
    (one) =>
      isCode(one.dtype) &&
      one.elements === elements &&
      one.uses.every(({ node, within }) => makers.has(node) && isPlainCast(node, within)),
  );
  const zero = codes && (await zeroCode(codes, all));
  return codes === undefined || zero === undefined ? elements : countUnequalOf(codes, zero);
}

/** The constant that is looked up: Gather(table, Cast(constant)). */
function sourceOf(name: string, within: Surroundings): Tensor | undefined {
  const cast = within.producerOf(within.producerOf(name)?.inputs[1] ?? "");
  const found = within.constantOf(cast?.inputs[0] ?? "");
  return found && "data" in found ? found : undefined;
}

/** The numbers are the codes themselves, less a zero point, times a scale. */
const isPlainCast = (node: Node, within: Surroundings): boolean =>
  node.opType === "Cast" &&
  within.usesOf(node.outputs[0] ?? "").every((use) => use.node.opType === "Sub" || use.node.opType === "Mul");

/** Where the zero point of a code stands among its node's inputs. */
const ZERO_POINT: Readonly<Record<string, Readonly<Record<number, number>>>> = {
  DequantizeLinear: { 0: 2 },
  MatMulInteger: { 0: 2, 1: 3 },
  ConvInteger: { 0: 2, 1: 3 },
  QLinearConv: { 3: 5 },
  QLinearMatMul: { 0: 2, 3: 5 },
  DynamicQuantizeMatMul: { 1: 3 },
  MatMulNBits: { 1: 3 },
  GatherBlockQuantized: { 0: 3 },
};

/**
 * The code that stands for zero. Undefined where it differs within the weight (asymmetric blocks or channels) or is not
 * known: such weights count as dense.
 */
async function zeroCode(weight: Constant, all: readonly Constant[]): Promise<number | undefined> {
  if (DTYPES[weight.dtype].kind === "float" || DTYPES[weight.dtype].kind === "complex") return 0;
  const uniformCode = (name: string) =>
    uniform(all.find((other) => other.name === name && other.scope === weight.scope));
  for (const { node, input } of weight.uses) {
    const place = ZERO_POINT[node.opType]?.[input];
    if (place !== undefined) {
      const name = node.inputs[place] ?? "";
      return name === "" ? defaultZeroCode(node, weight) : uniformCode(name);
    }
    // Self-extracting: Cast, then Sub of the zero point.
    const decode = node.opType === "Cast" ? weight.within.usesOf(node.outputs[0] ?? "") : [];
    const subtract = decode.find((use) => use.node.opType === "Sub" && use.input === 0);
    if (subtract !== undefined) {
      const name = subtract.node.inputs[1] ?? "";
      const maker = weight.within.producerOf(name);
      return uniformCode(maker?.opType === "Cast" ? (maker.inputs[0] ?? "") : name);
    }
    if (node.opType === "MatMulBnb4") return undefined;
  }
  return 0;
}

/** MatMulNBits and the packed GatherBlockQuantized hold unsigned codes around the middle; all others default to 0. */
function defaultZeroCode(node: Node, weight: Constant): number {
  const packed = node.opType === "MatMulNBits" || (node.opType === "GatherBlockQuantized" && weight.dtype === "uint8");
  return packed ? 2 ** (intOf(node, "bits", 4) - 1) : 0;
}

/** The one value that all elements of a small constant have; undefined when they differ. */
async function uniform(constant: Constant | undefined): Promise<number | undefined> {
  const part = constant?.parts[0];
  if (constant === undefined || part === undefined || constant.elements === 0 || constant.sparse) return undefined;
  const values = valuesOf(await part.data.read(), part.dtype, constant.elements);
  return values?.every((value) => value === values[0]) ? values[0] : undefined;
}

/** Numbers of the types that zero points come in, after Cast too. */
function valuesOf(bytes: Uint8Array, dtype: DType, elements: number): number[] | undefined {
  const { bits, kind } = DTYPES[dtype];
  if (bits < 8) {
    const perByte = 8 / bits;
    return Array.from({ length: elements }, (_, index) => {
      const code = (bytes[Math.floor(index / perByte)]! >> ((index % perByte) * bits)) & (2 ** bits - 1);
      return kind === "int" && code >= 2 ** (bits - 1) ? code - 2 ** bits : code;
    });
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (dtype === "uint8") return [...bytes];
  if (dtype === "int8") return Array.from(bytes, (_, index) => view.getInt8(index));
  if (dtype === "int32") return Array.from({ length: elements }, (_, index) => view.getInt32(index * 4, true));
  if (dtype === "float32") return Array.from({ length: elements }, (_, index) => view.getFloat32(index * 4, true));
  if (dtype === "float16")
    return Array.from({ length: elements }, (_, index) => halfToNumber(view.getUint16(index * 2, true)));
  return undefined;
}

/** IEEE 754 binary16. */
function halfToNumber(half: number): number {
  const exponent = (half >> 10) & 31;
  const fraction = half & 1023;
  const magnitude =
    exponent === 0 ? fraction * 2 ** -24 : exponent === 31 ? Infinity : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return half & 0x8000 ? -magnitude : magnitude;
}

/** Elements unlike `zero`; -0 is zero. Padding of packed codes is the zero point, so it does not count. */
function countUnequalOf(weight: Constant, zero: number): Promise<number> {
  const part = weight.parts[0]!;
  const packedBits = weight.uses.find(({ node }) => PACKED.has(node.opType))?.node;
  const bits = packedBits && part.dtype === "uint8" ? intOf(packedBits, "bits", 4) : DTYPES[part.dtype].bits;
  return countUnequal(part.data, bits, zero, DTYPES[part.dtype].kind === "float");
}

async function countUnequal(data: TensorData, bits: number, zero: number, signed: boolean): Promise<number> {
  let count = 0;
  for await (const piece of data.stream()) count += unequal(piece, bits, zero, signed);
  return count;
}

const PACKED = new Set(["MatMulNBits", "GatherBlockQuantized"]);

function unequal(piece: Uint8Array, bits: number, zero: number, signed: boolean): number {
  if (bits >= 16) return wideNonZero(piece, bits);
  // One table of 256 entries: how many codes of a byte differ from zero.
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const table = Uint8Array.from({ length: 256 }, (_, byte) => {
    let differ = 0;
    for (let at = 0; at < perByte; at++) {
      const code = (byte >> (at * bits)) & mask;
      // Small floats have a sign bit: 0x80 is -0.
      differ += (signed ? code & (mask >> 1) : code ^ (zero & mask)) === 0 ? 0 : 1;
    }
    return differ;
  });
  let count = 0;
  for (let at = 0; at < piece.length; at++) count += table[piece[at]!]!;
  return count;
}

function wideNonZero(piece: Uint8Array, bits: number): number {
  const step = bits / 8;
  const whole = piece.byteOffset % 4 === 0 && bits === 32 ? piece : piece.slice();
  let count = 0;
  if (bits === 32) {
    const words = new Uint32Array(whole.buffer, whole.byteOffset, whole.byteLength >> 2);
    for (let at = 0; at < words.length; at++) count += (words[at]! & 0x7fffffff) === 0 ? 0 : 1;
    return count;
  }
  for (let at = 0; at + step <= whole.length; at += step) {
    let any = whole[at + step - 1]! & 0x7f;
    for (let byte = 0; byte < step - 1; byte++) any |= whole[at + byte]!;
    count += any === 0 ? 0 : 1;
  }
  return count;
}
