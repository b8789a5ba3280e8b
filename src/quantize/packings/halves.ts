// 16-bit floats in two planes of bytes, which brotli compresses 8 to 10 % better than words (measured on real weights): signs
// and exponents, which repeat, no longer stand among the low bits, which are noise.
// float16: the numbers with the same high byte lie evenly, first[high] + step[high] * low, exactly.
// bfloat16: turned by one bit, so that the bytes are exponent, and sign with fraction; the number is power[exponent] * factor[rest].

import type { Node } from "../../ir/model.js";
import { DTYPES } from "../../tensor/dtype.js";
import { fromBfloat16, fromFloat16 } from "../../tensor/float16.js";
import { float32 } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { bfloat16Copy, halfCopy, notFinite, type Workers } from "../computation.js";
import { bytePlane, highByte, lowByte } from "../extract/byte-plane.js";
import { finish, isHalf, type Packed, packed } from "../extract/extract.js";
import { Shared } from "../extract/shared.js";
import { type Edits, makeNode, type Parts } from "../rewrite.js";

/** Smaller weights save less than the nodes that decode them take. */
const SMALLEST = 4096;

/**
 * Whether a weight is stored in two planes: bfloat16 always, because not every build of the runtime can cast it (onnxruntime-web's
 * with WebGPU cannot); float16 where it is asked for and worth it.
 */
export const inPlanes = (dtype: "float16" | "bfloat16", pack: string, { elements }: Weight) =>
  dtype === "bfloat16" || (pack === "brotli" && elements >= SMALLEST);

/** As `packHalf`, in planes. bfloat16: subnormals (below 1.2e-38) come back as 0, and NaN and infinities are refused when pulled. */
export function packHalfPlanes(edits: Edits, workers: Workers, weight: Weight, dtype: "float16" | "bfloat16"): Packed {
  const half = dtype === "float16";
  const copy = half ? halfCopy(workers, weight.name, weight.tensor) : bfloat16Copy(workers, weight);
  const { dims } = weight.tensor;
  const names = ["high", "low"].map((part) => edits.fresh(`${weight.name}_${dtype}_${part}`)) as [string, string];
  const planes = half
    ? [highByte(copy.data), lowByte(copy.data)]
    : [bytePlane(copy.data, exponentOf(weight)), bytePlane(copy.data, (word) => (word & 127) | ((word >> 8) & 128))];
  const parts: Parts = names.map((name, at) => [name, { dtype: "uint8", dims, data: planes[at]! }] as const);
  const shared = Shared.of(edits);
  const table = (name: string, make: () => ReturnType<typeof float32>) =>
    shared.constant(weight.graph, name, "", () => make());
  const nodes: Node[] = [];
  const value = (opType: string, inputs: readonly string[], attributes = {}) => {
    const output = shared.fresh("decode");
    nodes.push(makeNode(opType, inputs, [output], attributes, "", ""));
    return output;
  };
  const result = isHalf(weight) ? shared.fresh("decoded") : weight.name;
  const high = value("Cast", [names[0]], { to: DTYPES.int32.code });
  if (half) {
    const step = value("Gather", [table("float16_steps", steps), high]);
    const low = value("Cast", [names[1]], { to: DTYPES.float32.code });
    const first = value("Gather", [table("float16_firsts", firsts), high]);
    nodes.push(makeNode("Add", [first, value("Mul", [step, low])], [result], {}, "", ""));
  } else {
    const rest = value("Cast", [names[1]], { to: DTYPES.int32.code });
    const power = value("Gather", [table("bfloat16_powers", powers), high]);
    nodes.push(
      makeNode("Mul", [power, value("Gather", [table("bfloat16_factors", factors), rest])], [result], {}, "", ""),
    );
  }
  return packed(parts, finish(weight, nodes, result));
}

const exponentOf = (weight: Weight) => (word: number) => {
  const exponent = (word >> 7) & 255;
  if (exponent === 255) throw notFinite(weight);
  return exponent;
};

/** By high byte: the number whose low byte is 0, and how far apart the 256 of them lie. Infinity, and NaN beside it, stay. */
const firsts = () => float32([256], fromFloat16(words((high) => high << 8)));
const steps = () => {
  const first = fromFloat16(words((high) => high << 8));
  const second = fromFloat16(words((high) => (high << 8) | 1));
  return float32(
    [256],
    first.map((number, high) => (Number.isFinite(second[high]!) ? second[high]! - number : 0)),
  );
};

/** By exponent: the smallest number of it, 0 for that of subnormals; and by sign and fraction: what it is multiplied with. */
const powers = () => float32([256], fromBfloat16(words((exponent) => (exponent === 255 ? 0 : exponent << 7))));
const factors = () => float32([256], fromBfloat16(words((rest) => ((rest & 128) << 8) | (127 << 7) | (rest & 127))));

const words = (of: (byte: number) => number) => Uint16Array.from({ length: 256 }, (_, byte) => of(byte));
