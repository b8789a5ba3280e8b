// Self-extracting weights: the file holds codes, and the plain nodes that make the float weight of them. ONNX Runtime folds
// these when it loads the model (it does not fold DequantizeLinear), then runs at float speed.

import type { Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import type { Weight } from "../../weights/weights.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";

/** A weight's constants in the file, and the nodes that decode them into the value of the weight's own name. */
export interface Packed {
  readonly parts: Parts;
  readonly decode: readonly Node[];
  /** Bytes of the parts. */
  readonly bytes: number;
  /** Sum of the squared differences to the weight, where it is known without another pass once the codes were pulled. */
  readonly squaredError?: () => Promise<number>;
}

/** Puts a packed weight in the place of the float one. */
export function extract(edits: Edits, weight: Weight, packed: Packed): void {
  edits.replaceConstant(weight.graph, weight.name, packed.parts);
  edits.prepend(weight.graph, packed.decode);
}

export const packed = (parts: Parts, decode: readonly Node[]): Packed => ({
  parts,
  decode,
  bytes: parts.reduce((sum, [, tensor]) => sum + ("data" in tensor ? tensor.data.byteLength : 0), 0),
});

/**
 * A float16 weight is decoded in float32 and rounded at the end: the CPU has no Sub and Mul for float16, and what has no
 * kernel is not folded, but decoded at every run.
 */
export const isHalf = ({ tensor }: Weight) => tensor.dtype === "float16";

export const finish = (weight: Weight, nodes: readonly Node[], result: string): readonly Node[] =>
  isHalf(weight) ? [...nodes, makeNode("Cast", [result], [weight.name], { to: DTYPES.float16.code })] : nodes;
