// Self-extracting weights of one code a byte or word: Cast, Sub and Mul decode them; and float16 and bfloat16 behind a Cast.
// ONNX Runtime folds these when it loads the model (it does not fold DequantizeLinear), then runs at float speed.

import { tensorAttribute } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { int64, tensor } from "../../tensor/tensor.js";
import { bfloat16Copy, filled, halfCopy, type LinearLayout, linearCodes, type Workers } from "../computation.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import type { Weight } from "../weights.js";
import { finish, isHalf, type Packed, packed } from "./extract.js";

/** float16 or bfloat16 behind a Cast. */
export function packHalf(edits: Edits, workers: Workers, weight: Weight, dtype: "float16" | "bfloat16"): Packed {
  const stored = edits.fresh(`${weight.name}_${dtype}`);
  const copy = dtype === "float16" ? halfCopy(workers, weight.name, weight.tensor) : bfloat16Copy(workers, weight);
  return packed([[stored, copy]], [cast(weight, stored, weight.name)]);
}

export interface LinearNames {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string | undefined;
}

/**
 * 8 and 16-bit codes with one scale for all or for each index of an axis. `scaleDims`: how the scales are written where
 * an integer operator wants them otherwise than the decoding nodes.
 */
export function packLinear(
  edits: Edits,
  workers: Workers,
  weight: Weight,
  layout: LinearLayout,
  scaleDims?: readonly number[],
): Packed & { readonly names: LinearNames } {
  const words = layout.low < -128 || layout.high > 255;
  const dtype = `${layout.low < 0 ? "int" : "uint"}${words ? 16 : 8}` as const;
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
    ...(constant
      ? [
          [
            names.zeroPoint!,
            words
              ? tensor(dtype, [], Uint16Array.of(layout.zeroPoint))
              : { dtype, dims: [], data: filled(1, layout.zeroPoint) },
          ] as const,
        ]
      : []),
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

const decodedName = (edits: Edits, weight: Weight) =>
  isHalf(weight) ? edits.fresh(`${weight.name}_decoded`) : weight.name;

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
