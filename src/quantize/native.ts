// Weights kept packed at run time: MatMulNBits for products, GatherBlockQuantized for tables, over one payload.

import { int, intOf } from "../ir/attributes.js";
import type { Node } from "../ir/model.js";
import { int64 } from "../tensor/tensor.js";
import { type BlockLayout, blockCodes, packedZeroPoints, type Workers } from "./computation.js";
import { productAlong } from "./layout.js";
import { productNodes } from "./product.js";
import { type Edits, makeNode, type Parts } from "./rewrite.js";
import type { Consumer, Weight } from "./weights.js";

export const MICROSOFT = "com.microsoft";

/** Why a weight cannot be read packed by all that use it, or undefined when it can. */
export function nativeObstacle(weight: Weight, layout: BlockLayout): string | undefined {
  if (weight.tensor.dims.length !== 2) return `it has ${weight.tensor.dims.length} axes, not 2`;
  for (const consumer of weight.consumers) {
    if (isTable(consumer)) {
      if (layout.along !== "columns") return "its users read it in different orders";
      if (layout.columns % layout.block !== 0)
        return `its rows of ${layout.columns} are no whole blocks of ${layout.block}`;
      continue;
    }
    const along = productAlong(consumer, weight.tensor.dims);
    if (along === undefined) return `${consumer.node?.opType ?? "the model's output"} cannot read packed weights`;
    if (along !== layout.along) return "its users read it in different orders";
  }
  return undefined;
}

const isTable = ({ node, input, path }: Consumer) =>
  node?.opType === "Gather" && node.domain === "" && input === 0 && path.length === 0 && intOf(node, "axis", 0) === 0;

export const usesTable = (weight: Weight): boolean => weight.consumers.some(isTable);
export const usesProduct = (weight: Weight): boolean => weight.consumers.some((consumer) => !isTable(consumer));

/** Replaces every node that uses the weight. `nativeObstacle` must have been undefined. Returns the bytes stored. */
export function packNative(
  edits: Edits,
  workers: Workers,
  weight: Weight,
  layout: BlockLayout,
  accuracyLevel: number,
): number {
  const { block, bits } = layout;
  const [outer, inner] = layout.along === "rows" ? [layout.columns, layout.rows] : [layout.rows, layout.columns];
  const blocks = Math.ceil(inner / block);
  const blob = (block * bits) / 8;
  const { codes, scales, zeroPoints } = blockCodes(workers, weight, layout);
  const name = (suffix: string) => edits.fresh(`${weight.name}_${suffix}`);
  const [codesName, scaleName] = [name("quantized"), name("scale")];
  const zeroName = zeroPoints ? name("zero_point") : "";
  const table = usesTable(weight);
  const parts: Parts[number][] = [
    [codesName, { dtype: "uint8", dims: table ? [outer, blocks * blob] : [outer, blocks, blob], data: codes }],
    [scaleName, { dtype: weight.tensor.dtype, dims: [outer, blocks], data: scales }],
  ];
  if (zeroPoints) {
    const packed = bits === 4 ? packedZeroPoints(zeroPoints, outer) : zeroPoints;
    parts.push([zeroName, { dtype: "uint8", dims: [outer, packed.byteLength / outer], data: packed }]);
  }
  let matrix = codesName;
  if (table && usesProduct(weight)) {
    // One payload for both: the product sees it through a Reshape, which the runtime folds.
    matrix = name("matrix");
    const shape = name("matrix_shape");
    parts.push([shape, int64([3], [outer, blocks, blob])]);
    edits.prepend(weight.graph, [makeNode("Reshape", [codesName, shape], [matrix])]);
  }
  const common = { block_size: int(block), bits: int(bits) };
  for (const consumer of weight.consumers) {
    const node = consumer.node!;
    for (const passed of consumer.path) edits.replaceNode(passed, []);
    if (isTable(consumer)) {
      const inputs = [codesName, node.inputs[1]!, scaleName, ...(zeroName ? [zeroName] : [])];
      const attributes = { ...common, gather_axis: int(0), quantize_axis: int(1) };
      edits.replaceNode(node, [
        makeNode("GatherBlockQuantized", inputs, node.outputs, attributes, MICROSOFT, node.name || node.outputs[0]!),
      ]);
      continue;
    }
    const product = (left: string, output: string): Node[] => [
      makeNode(
        "MatMulNBits",
        [left, matrix, scaleName, ...(zeroName ? [zeroName] : [])],
        [output],
        { K: int(inner), N: int(outer), ...common, accuracy_level: int(accuracyLevel) },
        MICROSOFT,
        node.name || output,
      ),
    ];
    edits.replaceNode(node, productNodes(edits, consumer.graph, node, weight.tensor.dtype, product));
  }
  edits.replaceConstant(weight.graph, weight.name, parts);
  return parts.reduce((sum, [, part]) => sum + ("data" in part ? part.data.byteLength : 0), 0);
}
