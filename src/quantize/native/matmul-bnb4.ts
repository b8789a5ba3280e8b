// MatMulBnb4: products with weights in the 4-bit formats of bitsandbytes. The matrix stands as [N, K], and blocks run over
// it as one row of numbers; of two codes in a byte the first has the high bits.

import { info } from "../../base/note.js";
import { int } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { packingFor } from "../../tensor/packing.js";
import { isProduct, sharedMatrix, sidesOf } from "../../weights/matrix.js";
import { gridFor } from "../codes.js";
import { productNodes } from "../product.js";
import { makeNode, type Parts } from "../rewrite.js";
import { encodedCodes, searchOf } from "./codes.js";
import { bytesOf, defineNativeForm, MICROSOFT } from "./form.js";

/** What the operator calls them: its quant_type. */
const TYPES: Readonly<Record<string, 0 | 1>> = { fp4: 0, nf4: 1 };

export const matMulBnb4 = defineNativeForm({
  name: "MatMulBnb4",
  summary: "Products with weights in blocks of NF4 or FP4",
  reference: "https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md#commicrosoftmatmulbnb4",
  serves: ({ format, granularity }) => format.name in TYPES && granularity !== "channel" && granularity !== "tensor",
  reads: "weights nf4 or fp4 in blocks, of MatMul and Gemm",
  slow: (_, target) => (target.fast.matMulBnb4 ? undefined : { row: "matMulBnb4" }),
  plan(weight, settings) {
    const matrix = sharedMatrix(weight, isProduct);
    if ("obstacle" in matrix) return matrix;
    if (matrix.dtype !== "float32") return { obstacle: `MatMulBnb4 has no kernel for ${matrix.dtype} on the CPU` };
    if (settings.scales !== "auto" && settings.scales !== "float32") {
      return { obstacle: "MatMulBnb4 has scales of the type of its result, float32" };
    }
    const { rows, columns, along } = matrix;
    const { outer, inner } = sidesOf(matrix);
    const { block, format } = settings;
    // Stored [K, N], it is transposed while it is encoded, block by block: then no block may reach into the next row.
    if (along === "rows" && inner % block !== 0) {
      return { obstacle: `its rows of ${inner} are no whole blocks of ${block}, and it stands transposed in the file` };
    }
    const count = outer * inner;
    const blocks = Math.ceil(count / block);
    return {
      operators: ["MatMulBnb4"],
      opset: 0,
      microsoft: 1,
      misaligned: [],
      pack(edits, workers) {
        const transposed = along === "rows";
        const bytes = Math.ceil(count / 2);
        const made = encodedCodes(
          workers,
          weight,
          {
            from: weight.tensor.dtype,
            rows: transposed ? rows : 1,
            columns: transposed ? columns : count,
            along,
            block,
            grids: [gridFor({ format, symmetric: true })],
            scaling: { kind: "absolute" },
            scaleFormat: "float32",
            order: transposed ? "outer" : "own",
            packing: packingFor(16),
            ...searchOf(settings),
          },
          { bytes, scales: blocks },
          swapNibbles,
        );
        const codes = edits.fresh(`${weight.name}_quantized`);
        const scale = edits.fresh(`${weight.name}_absmax`);
        const parts: Parts = [
          [codes, { dtype: "uint8", dims: [bytes], data: made.codes }],
          [scale, { dtype: "float32", dims: [blocks], data: made.scales }],
        ];
        const attributes = {
          K: int(inner),
          N: int(outer),
          block_size: int(block),
          quant_type: int(TYPES[format.name]!),
        };
        for (const { node, graph, path } of weight.consumers) {
          for (const passed of path) edits.replaceNode(passed, []);
          const core = (left: string, output: string): Node[] => [
            makeNode("MatMulBnb4", [left, codes, scale], [output], attributes, MICROSOFT, node!.name || output),
          ];
          edits.replaceNode(node!, productNodes(edits, graph, node!, "float32", core));
        }
        edits.replaceConstant(weight.graph, weight.name, parts);
        const text = `"${weight.name}" is read as ${format.name} codes in blocks of ${block} by MatMulBnb4.`;
        return {
          what: `${format.name}-native`,
          bytes: bytesOf(parts),
          notes: [info("quantized-native", text, weight.name)],
        };
      },
    };
  },
});

function swapNibbles(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at]! << 4) | (bytes[at]! >> 4);
}
