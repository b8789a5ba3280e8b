// Self-extracting weights of one code a byte or word: Cast, Sub and Mul decode them; and float16 behind a Cast.
// ONNX Runtime folds these when it loads the model (it does not fold DequantizeLinear), then runs at float speed.

import { tensorAttribute } from "../../ir/attributes.js";
import type { Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { bytesData, float32, int64, type TensorData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { halfCopy, type LinearLayout, linearCodes, type Workers } from "../computation.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";
import { highByte, lowByte } from "./byte-plane.js";
import { finish, isHalf, type Packed, packed } from "./extract.js";
import { Shared } from "./shared.js";

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
  const dtype = layout.low < 0 ? ("int8" as const) : ("uint8" as const);
  const { dims } = weight.tensor;
  const { codes, scales, zeroPoints } = linearCodes(workers, weight, layout);
  const shared =
    layout.axis === undefined
      ? []
      : dims.map((dim, axis) => (axis === layout.axis || (layout.leading && axis < layout.axis!) ? dim : 1));
  const constant = !layout.asymmetric && layout.zeroPoint !== 0;
  const name = (suffix: string) => edits.fresh(`${weight.name}_${suffix}`);
  const stored = (title: string, sizes: readonly number[], data: TensorData): Stored =>
    words
      ? {
          high: [name(`${title}_high`), { dtype, dims: sizes, data: highByte(data) }],
          low: [name(`${title}_low`), { dtype: "uint8", dims: sizes, data: lowByte(data) }],
        }
      : { low: [name(title), { dtype, dims: sizes, data }] };
  const held = stored("quantized", dims, codes);
  const scaleName = name("scale");
  const zero = zeroPoints
    ? stored("zero_point", shared, zeroPoints)
    : constant
      ? stored(
          "zero_point",
          [],
          bytesData(bytesOf(words ? Uint16Array.of(layout.zeroPoint) : Uint8Array.of(layout.zeroPoint))),
        )
      : undefined;
  const names = { codes: held.low[0], scale: scaleName, zeroPoint: zero?.low[0] };
  const parts: Parts = [
    ...(held.high ? [held.high] : []),
    held.low,
    [names.scale, { dtype: weight.tensor.dtype, dims: scaleDims ?? shared, data: scales }],
    ...(zero?.high ? [zero.high] : []),
    ...(zero ? [zero.low] : []),
  ];
  const nodes: Node[] = [];
  const real = centred(edits, weight, nodes, held, zero);
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

/** Codes or zero points: in one constant, or in one for each byte. */
interface Stored {
  readonly high?: Parts[number];
  readonly low: Parts[number];
}

/** Nodes that make codes minus zero point, in float. */
function centred(edits: Edits, weight: Weight, nodes: Node[], codes: Stored, zeroPoint: Stored | undefined): string {
  const real = number(edits, weight, nodes, codes);
  if (zeroPoint === undefined) return real;
  const zero = number(edits, weight, nodes, zeroPoint);
  const difference = edits.fresh(`${codes.low[0]}_centred`);
  nodes.push(makeNode("Sub", [real, zero], [difference]));
  return difference;
}

/** The high byte, which has the sign, times 256, and the low byte. */
function number(edits: Edits, weight: Weight, nodes: Node[], { high, low }: Stored): string {
  const real = edits.fresh(`${low[0]}_cast`);
  nodes.push(cast(weight, low[0], real));
  if (high === undefined) return real;
  const [part, raised, sum] = ["cast", "raised", "sum"].map((suffix) => edits.fresh(`${high[0]}_${suffix}`)) as [
    string,
    string,
    string,
  ];
  const byte = Shared.of(edits).constant(weight.graph, "float", "256", () => float32([], [256]));
  nodes.push(
    cast(weight, high[0], part),
    makeNode("Mul", [part, byte], [raised]),
    makeNode("Add", [raised, real], [sum]),
  );
  return sum;
}

const bytesOf = (view: ArrayBufferView) => new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

const cast = (weight: Weight, from: string, to: string) =>
  makeNode("Cast", [from], [to], { to: DTYPES[isHalf(weight) ? "float32" : weight.tensor.dtype].code });
