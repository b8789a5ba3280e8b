// The payload of MatMulNBits and GatherBlockQuantized: unsigned codes of 2, 4 or 8 bits in blocks, low bits first. One
// payload serves a tied weight: the table of the one and the matrix of the other.

import { info, type Note } from "../../base/note.js";
import { int } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import type { Target } from "../../targets/target.js";
import { packingFor, packRows } from "../../tensor/packing.js";
import { derivedData, int64, type TensorData } from "../../tensor/tensor.js";
import { isProduct, isTable, type Matrix, sharedMatrix, sidesOf } from "../../weights/matrix.js";
import type { Weight } from "../../weights/weights.js";
import { blockCodes, type Workers } from "../computation.js";
import type { Settings } from "../options.js";
import { productNodes } from "../product.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import { type EncodedCodes, encodedCodes, searchOf } from "./codes.js";
import { bytesOf, MICROSOFT, type NativePlan, type NativeResult } from "./form.js";

type Bits = 2 | 4 | 8;

interface Blocks {
  readonly weight: Weight;
  readonly matrix: Matrix & { readonly dtype: "float32" | "float16" };
  readonly bits: Bits;
  readonly block: number;
  readonly accuracy: number;
  readonly settings: Settings;
}

export const isBlocks = ({ format, granularity }: Settings): boolean =>
  format.kind === "integer" &&
  (format.bits === 2 || format.bits === 4 || format.bits === 8) &&
  granularity !== "channel" &&
  granularity !== "tensor";

export const usesTable = (weight: Weight): boolean => weight.consumers.some(isTable);
export const usesProduct = (weight: Weight): boolean => weight.consumers.some(isProduct);

/** What both operators need of a weight. Rows shorter than a block take a smaller block, so that little is padded. */
export function planBlocks(
  weight: Weight,
  settings: Settings,
  target: Target,
): NativePlan | { readonly obstacle: string } {
  const matrix = sharedMatrix(weight, (consumer) => isTable(consumer) || isProduct(consumer));
  if ("obstacle" in matrix) return matrix;
  const { dtype } = matrix;
  if (dtype !== "float32" && dtype !== "float16") return { obstacle: `it is used in ${dtype}` };
  if (settings.scales !== "auto" && settings.scales !== dtype) {
    return { obstacle: `MatMulNBits and GatherBlockQuantized have scales of the type of their result, ${dtype}` };
  }
  const { inner } = sidesOf(matrix);
  if (inner < SHORTEST) return { obstacle: "its rows are too short for blocks" };
  const bits = settings.format.bits as Bits;
  const block = fitting(inner, settings.block);
  const [table, product] = [usesTable(weight), usesProduct(weight)];
  if (table && product && inner % block !== 0) {
    return { obstacle: `its rows of ${inner} are no whole blocks of ${block}, which a table and a product can share` };
  }
  if (table && (inner * bits) % 8 !== 0) return { obstacle: `its rows of ${inner} fill no whole bytes` };
  const level = target.fast.matMulNBits.find((row) => row.bits === bits)?.accuracyLevel;
  const accuracy = settings.accuracyLevel ?? level ?? 4;
  const blocks = { weight, matrix: { ...matrix, dtype }, bits, block, accuracy, settings };
  return {
    operators: [...(product ? (["MatMulNBits"] as const) : []), ...(table ? (["GatherBlockQuantized"] as const) : [])],
    opset: 0,
    microsoft: 1,
    misaligned: misalignments(blocks, target, table, product),
    pack: (edits, workers) => packBlocks(edits, workers, blocks),
  };
}

const SHORTEST = 16;

function fitting(length: number, block: number): number {
  let size = block;
  while (size > SHORTEST && size / 2 >= length) size /= 2;
  return size;
}

/** What the target's fast kernels want and this weight has not. */
function misalignments({ matrix, block, bits, accuracy }: Blocks, target: Target, table: boolean, product: boolean) {
  const { outer, inner } = sidesOf(matrix);
  const found: string[] = [];
  for (const { form, k, n, block: sizes, why } of target.alignment) {
    if (form === "matMulNBits" ? !product : form !== "gatherBlockQuantized" || !table) continue;
    if ((k && inner % k !== 0) || (n && outer % n !== 0) || (sizes && !sizes.includes(block))) found.push(why);
  }
  // Measured: at these sizes level 4 gives the very results of level 0, which decodes the weight at every run.
  if (product && bits === 2 && (block < 32 || block > 128) && target.timedOn.includes("native")) {
    found.push("the CPU kernel of MatMulNBits at 2 bits takes blocks of 32, 64 and 128");
  }
  if (product && bits !== 4 && accuracy < 4 && target.timedOn.includes("native")) {
    found.push("below accuracy level 4 the CPU decodes weights of 2 and 8 bits at every run");
  }
  return found;
}

function packBlocks(edits: Edits, workers: Workers, blocks: Blocks): NativeResult {
  const { weight, matrix, block, bits, accuracy, settings } = blocks;
  const { outer, inner } = sidesOf(matrix);
  const count = Math.ceil(inner / block);
  const blob = (block * bits) / 8;
  const [table, product] = [usesTable(weight), usesProduct(weight)];
  const name = (suffix: string) => edits.fresh(`${weight.name}_${suffix}`);
  const [codesName, scaleName] = [name("quantized"), name("scale")];
  const zeroName = settings.symmetric ? "" : name("zero_point");
  // A product wants its last block padded; a table alone is as wide as its rows.
  const dims = !table ? [outer, count, blob] : [outer, product ? count * blob : (inner * bits) / 8];
  const made = codesOf(workers, blocks, product);
  const parts: Parts[number][] = [
    [codesName, { dtype: "uint8", dims, data: made.codes }],
    [scaleName, { dtype: matrix.dtype, dims: [outer, count], data: made.scales }],
  ];
  if (!settings.symmetric) {
    const data = packedZeroPoints(made.zeroPoints, outer, count, bits);
    parts.push([zeroName, { dtype: "uint8", dims: [outer, data.byteLength / outer], data }]);
  }
  let operand = codesName;
  if (table && product) {
    // One payload for both: the product sees it through a Reshape, which the runtime folds.
    operand = name("matrix");
    const shape = name("matrix_shape");
    parts.push([shape, int64([3], [outer, count, blob])]);
    edits.prepend(weight.graph, [makeNode("Reshape", [codesName, shape], [operand])]);
  }
  const zeros = zeroName === "" ? [] : [zeroName];
  const shared = { block_size: int(block), bits: int(bits) };
  for (const consumer of weight.consumers) {
    const node = consumer.node!;
    for (const passed of consumer.path) edits.replaceNode(passed, []);
    if (isTable(consumer)) {
      const attributes = { ...shared, gather_axis: int(0), quantize_axis: int(1) };
      const inputs = [codesName, node.inputs[1]!, scaleName, ...zeros];
      edits.replaceNode(node, [
        makeNode("GatherBlockQuantized", inputs, node.outputs, attributes, MICROSOFT, node.name || node.outputs[0]!),
      ]);
      continue;
    }
    const attributes = { K: int(inner), N: int(outer), ...shared, accuracy_level: int(accuracy) };
    const core = (left: string, output: string): Node[] => {
      const inputs = [left, operand, scaleName, ...zeros];
      return [makeNode("MatMulNBits", inputs, [output], attributes, MICROSOFT, node.name || output)];
    };
    edits.replaceNode(node, productNodes(edits, consumer.graph, node, matrix.dtype, core));
  }
  edits.replaceConstant(weight.graph, weight.name, parts);
  return { what: `${settings.format.name}-native`, bytes: bytesOf(parts), notes: [noteOf(blocks)] };
}

/** `padded`: the last block of each row is filled up; else rows are as long as they are. */
function codesOf(workers: Workers, blocks: Blocks, padded: boolean): EncodedCodes {
  const { weight, matrix, block, bits, settings } = blocks;
  const { rows, columns, along, dtype } = matrix;
  const { outer, inner } = sidesOf(matrix);
  const plain = settings.range === "absmax" && settings.rounding === "nearest" && dtype === weight.tensor.dtype;
  if (plain && bits !== 2 && (padded || inner % block === 0)) {
    const { codes, scales, zeroPoints } = blockCodes(workers, weight, {
      rows,
      columns,
      along,
      block,
      bits,
      symmetric: settings.symmetric,
    });
    return { codes, scales, zeroPoints: zeroPoints ?? NONE };
  }
  const half = settings.symmetric ? 2 ** (bits - 1) : 0;
  const count = Math.ceil(inner / block);
  return encodedCodes(
    workers,
    weight,
    {
      from: weight.tensor.dtype,
      rows,
      columns,
      along,
      block,
      grids: [{ kind: "integer", low: -half, high: 2 ** bits - 1 - half }],
      scaling: { kind: settings.symmetric ? "signed" : "affine" },
      scaleFormat: dtype,
      order: padded ? "outer" : "own",
      packing: packingFor(2 ** bits),
      ...searchOf(settings),
    },
    { bytes: (outer * (padded ? count * block : inner) * bits) / 8, scales: outer * count },
  );
}

const NONE: TensorData = derivedData(0, async function* () {});

/** Zero points of rows of blocks, each row padded to a byte. */
function packedZeroPoints(zeroPoints: TensorData, rows: number, count: number, bits: Bits): TensorData {
  if (bits === 8) return zeroPoints;
  return derivedData(rows * Math.ceil((count * bits) / 8), async function* () {
    yield packRows(await zeroPoints.read(), count, bits);
  });
}

function noteOf({ weight, bits, block, accuracy }: Blocks): Note {
  const product = usesProduct(weight);
  const operators = [product ? "MatMulNBits" : "", usesTable(weight) ? "GatherBlockQuantized" : ""]
    .filter((name) => name !== "")
    .join(" and ");
  const rounds = accuracy === 4 && product ? " Level 4 rounds activations to int8 within each block, for speed." : "";
  const level = product ? ` at accuracy level ${accuracy}` : "";
  const text = `"${weight.name}" is read as ${bits}-bit codes in blocks of ${block} by ${operators}${level}.${rounds}`;
  return info("quantized-native", text, weight.name);
}
