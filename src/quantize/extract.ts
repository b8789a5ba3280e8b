// Self-extracting weights: the file holds codes, and plain Cast, Sub and Mul nodes that make the float weight of them.
// ONNX Runtime folds these when it loads the model (it does not fold DequantizeLinear), then runs at float speed.

import { tensorAttribute } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { DTYPES } from "../tensor/dtype.js";
import { int64 } from "../tensor/tensor.js";
import {
  type BlockLayout,
  blockCodes,
  filled,
  halfCopy,
  type LinearLayout,
  linearCodes,
  type Workers,
} from "./computation.js";
import { type Edits, makeNode, type Parts } from "./rewrite.js";
import type { Weight } from "./weights.js";

/** A weight's constants in the file, and the nodes that decode them into the value of the weight's own name. */
export interface Packed {
  readonly parts: Parts;
  readonly decode: readonly Node[];
  /** Bytes of the parts. */
  readonly bytes: number;
}

/** Puts a packed weight in the place of the float one. */
export function extract(edits: Edits, weight: Weight, packed: Packed): void {
  edits.replaceConstant(weight.graph, weight.name, packed.parts);
  edits.prepend(weight.graph, packed.decode);
}

/** float16 behind a Cast. */
export function packHalf(edits: Edits, workers: Workers, weight: Weight): Packed {
  const stored = edits.fresh(`${weight.name}_float16`);
  return packed([[stored, halfCopy(workers, weight.name, weight.tensor)]], [cast(weight, stored, weight.name)]);
}

export interface LinearNames {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string | undefined;
}

/**
 * int8 or uint8 codes with one scale for all or for each index of an axis. `scaleDims`: how the scales are written where
 * an integer operator wants them otherwise than the decoding nodes.
 */
export function packLinear(
  edits: Edits,
  workers: Workers,
  weight: Weight,
  layout: LinearLayout,
  scaleDims?: readonly number[],
): Packed & { readonly names: LinearNames } {
  const dtype = layout.low < 0 ? "int8" : "uint8";
  const { dims } = weight.tensor;
  const { codes, scales, zeroPoints } = linearCodes(workers, weight, layout);
  const shared =
    layout.axis === undefined
      ? []
      : dims.map((dim, axis) => (axis === layout.axis || (layout.leading && axis < layout.axis!) ? dim : 1));
  const constant = !layout.asymmetric && layout.zeroPoint !== 0;
  const names = {
    codes: edits.fresh(`${weight.name}_quantized`),
    scale: edits.fresh(`${weight.name}_scale`),
    zeroPoint: zeroPoints || constant ? edits.fresh(`${weight.name}_zero_point`) : undefined,
  };
  const parts: Parts = [
    [names.codes, { dtype, dims, data: codes }],
    [names.scale, { dtype: weight.tensor.dtype, dims: scaleDims ?? shared, data: scales }],
    ...(zeroPoints ? [[names.zeroPoint!, { dtype, dims: shared, data: zeroPoints }] as const] : []),
    ...(constant ? [[names.zeroPoint!, { dtype, dims: [], data: filled(1, layout.zeroPoint) }] as const] : []),
  ];
  const nodes: Node[] = [];
  const real = centred(edits, weight, nodes, names.codes, names.zeroPoint);
  let scale = names.scale;
  if (scaleDims !== undefined && scaleDims.length !== shared.length && layout.axis !== dims.length - 1) {
    const shape = edits.fresh(`${names.scale}_shape`);
    scale = edits.fresh(`${names.scale}_shaped`);
    nodes.push(
      makeNode("Constant", [], [shape], { value: tensorAttribute(int64([shared.length], shared)) }),
      makeNode("Reshape", [names.scale, shape], [scale]),
    );
  }
  const result = decodedName(edits, weight);
  nodes.push(makeNode("Mul", [real, wide(edits, weight, nodes, scale)], [result]));
  return { ...packed(parts, finish(weight, nodes, result)), names };
}

/**
 * Blocks of unsigned codes, [outer, blocks, block]: decoded, freed of the padding of the last block, and put back into
 * the weight's own layout.
 */
export function packBlocks(edits: Edits, workers: Workers, weight: Weight, layout: BlockLayout): Packed {
  const [outer, inner] = layout.along === "rows" ? [layout.columns, layout.rows] : [layout.rows, layout.columns];
  const blocks = Math.ceil(inner / layout.block);
  const dtype = layout.bits === 4 ? "uint4" : "uint8";
  const { codes, scales, zeroPoints } = blockCodes(workers, weight, layout);
  const name = (suffix: string) => edits.fresh(`${weight.name}_${suffix}`);
  const [codesName, scaleName, zeroName] = [name("quantized"), name("scale"), name("zero_point")];
  const parts: Parts[number][] = [
    [codesName, { dtype, dims: [outer, blocks, layout.block], data: codes }],
    [scaleName, { dtype: weight.tensor.dtype, dims: [outer, blocks, 1], data: scales }],
    zeroPoints
      ? [zeroName, { dtype: "uint8", dims: [outer, blocks, 1], data: zeroPoints }]
      : [zeroName, { dtype: "uint8", dims: [], data: filled(1, 2 ** (layout.bits - 1)) }],
  ];
  const nodes: Node[] = [];
  const result = decodedName(edits, weight);
  let value = centred(edits, weight, nodes, codesName, zeroName);
  const then = (opType: string, inputs: readonly string[], last: boolean, attributes = {}) => {
    const output = last ? result : edits.fresh(`${weight.name}_${opType.toLowerCase()}`);
    nodes.push(makeNode(opType, [value, ...inputs], [output], attributes));
    value = output;
  };
  const constant = (suffix: string, values: readonly number[]) => {
    const added = name(suffix);
    parts.push([added, int64([values.length], values)]);
    return added;
  };
  const padded = blocks * layout.block !== inner;
  const { dims } = weight.tensor;
  then("Mul", [wide(edits, weight, nodes, scaleName)], false);
  if (layout.along === "rows") {
    then("Reshape", [constant("rows", [outer, -1])], false);
    if (padded) then("Slice", [constant("begin", [0]), constant("end", [inner]), constant("axis", [1])], false);
    then("Transpose", [], dims.length === 2, { perm: [1, 0] });
    if (dims.length !== 2) then("Reshape", [constant("shape", dims)], true);
  } else if (padded) {
    then("Reshape", [constant("rows", [outer, -1])], false);
    then("Slice", [constant("begin", [0]), constant("end", [inner]), constant("axis", [1])], dims.length === 2);
    if (dims.length !== 2) then("Reshape", [constant("shape", dims)], true);
  } else {
    then("Reshape", [constant("shape", dims)], true);
  }
  return packed(parts, finish(weight, nodes, result));
}

/**
 * A float16 weight is decoded in float32 and rounded at the end: the CPU has no Sub and Mul for float16, and what has no
 * kernel is not folded, but decoded at every run.
 */
const isHalf = ({ tensor }: Weight) => tensor.dtype === "float16";
const decodedName = (edits: Edits, weight: Weight) =>
  isHalf(weight) ? edits.fresh(`${weight.name}_decoded`) : weight.name;
const finish = (weight: Weight, nodes: readonly Node[], result: string): readonly Node[] =>
  isHalf(weight) ? [...nodes, makeNode("Cast", [result], [weight.name], { to: DTYPES.float16.code })] : nodes;

/** The scale in the type that the decoding computes in. */
function wide(edits: Edits, weight: Weight, nodes: Node[], scale: string): string {
  if (!isHalf(weight)) return scale;
  const output = edits.fresh(`${scale}_float32`);
  nodes.push(makeNode("Cast", [scale], [output], { to: DTYPES.float32.code }));
  return output;
}

/** Nodes that make codes minus zero point, in float. */
function centred(edits: Edits, weight: Weight, nodes: Node[], codes: string, zeroPoint: string | undefined): string {
  const real = edits.fresh(`${codes}_cast`);
  nodes.push(cast(weight, codes, real));
  if (zeroPoint === undefined) return real;
  const zero = edits.fresh(`${zeroPoint}_cast`);
  const difference = edits.fresh(`${codes}_centred`);
  nodes.push(cast(weight, zeroPoint, zero), makeNode("Sub", [real, zero], [difference]));
  return difference;
}

const cast = (weight: Weight, from: string, to: string) =>
  makeNode("Cast", [from], [to], { to: DTYPES[isHalf(weight) ? "float32" : weight.tensor.dtype].code });

const packed = (parts: Parts, decode: readonly Node[]): Packed => ({
  parts,
  decode,
  bytes: parts.reduce((sum, [, tensor]) => sum + ("data" in tensor ? tensor.data.byteLength : 0), 0),
});
