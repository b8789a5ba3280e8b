// Number formats that are a list of numbers: NF4, the FP4 of bitsandbytes, ternary, binary, codebooks. A code is a place in
// the list; between two neighbours stands a pivot, and what is greater than the pivot takes the upper one.

import { invalid } from "../base/errors.js";
import { nanRefused } from "./nan.js";

export interface LevelTable {
  readonly name: string;
  /** The number of each code, float32. Never write into it. */
  readonly levels: Float32Array;
  /** The codes in ascending order of their numbers (-0 before +0). */
  readonly order: Uint8Array;
  /**
   * `pivots[i]` parts `order[i]` from `order[i + 1]`: a float32 x takes the upper one if x > pivots[i]. So the place of x in
   * `order` is the number of pivots below x, which a loop without branches can count.
   */
  readonly pivots: Float32Array;
}

/**
 * A table over `levels` (at least 1, at most 256, finite float32, by code, in any order). Without `pivots` the nearest level
 * is taken and of two equally near ones the lower; codes of equal numbers beyond the first are not used.
 */
export function levelTable(name: string, levels: ArrayLike<number>, pivots?: ArrayLike<number>): LevelTable {
  const numbers = Float32Array.from(levels);
  if (numbers.length < 1 || numbers.length > 256 || numbers.some((level) => !Number.isFinite(level))) {
    throw invalid("levels-wrong", `${name} is not a table of 1 to 256 finite numbers.`);
  }
  const codes = Array.from(numbers, (_, code) => code);
  const negativeZero = (code: number) => (Object.is(numbers[code], -0) ? 0 : 1);
  codes.sort((a, b) => numbers[a]! - numbers[b]! || negativeZero(a) - negativeZero(b) || a - b);
  const sorted = codes.map((code) => numbers[code]!);
  const middles: number[] = [];
  for (let i = sorted.length - 2; i >= 0; i--) {
    // A level equal to the one before it is skipped: its lower pivot is its upper one.
    const equal = sorted[i] === sorted[i + 1] && !Object.is(sorted[i], -0);
    middles[i] = equal ? (middles[i + 1] ?? Infinity) : middle(sorted[i]!, sorted[i + 1]!);
  }
  return Object.freeze({
    name,
    levels: numbers,
    order: Uint8Array.from(codes),
    pivots: Float32Array.from(pivots ?? middles),
  });
}

/**
 * The largest float32 that is not above the middle of two neighbours: a float32 is greater than it if and only if it is nearer
 * to the upper one. The two zeros are parted by the sign.
 */
function middle(lower: number, upper: number): number {
  if (lower === upper) return -LEAST;
  // Exact in float64 for levels of like size; where it is not, the error is far below a float32's last place.
  return atMost((lower + upper) / 2);
}

/** The largest float32 that is at most `value`. */
function atMost(value: number): number {
  const near = Math.fround(value);
  return near <= value ? near : below(near);
}

/** The float32 before `value`. */
function below(value: number): number {
  if (value === 0) return -LEAST;
  bits[0] = 0;
  float[0] = value;
  bits[0] = bits[0]! + (value > 0 ? -1 : 1);
  return float[0]!;
}

/**
 * The code whose level a value takes. The value is rounded to float32 first; infinities take the outermost levels.
 * Throws `invalid("number-nan")` for NaN.
 */
export function levelCode(table: LevelTable, value: number): number {
  if (Number.isNaN(value)) throw nanRefused(table.name);
  const x = Math.fround(value);
  let low = 0;
  let high = table.pivots.length;
  while (low < high) {
    const at = (low + high) >> 1;
    if (x > table.pivots[at]!) low = at + 1;
    else high = at;
  }
  return table.order[low]!;
}

/**
 * The code of the level nearest to `value`, by distance in float64, `levels` in any order; of two equally near levels the lower
 * one, of two equal levels the smaller code. For many values make a `levelTable` once and use `levelCode`.
 */
export function nearestLevel(levels: ArrayLike<number>, value: number): number {
  let best = 0;
  for (let code = 1; code < levels.length; code++) {
    const nearer = Math.abs(levels[best]! - value) - Math.abs(levels[code]! - value);
    if (nearer > 0 || (nearer === 0 && levels[code]! < levels[best]!)) best = code;
  }
  return best;
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);
/** The smallest float32 above zero. */
const LEAST = 2 ** -149;

/** The quantiles of the normal distribution that QLoRA takes (Dettmers et al. 2023, appendix E), codes ascending. */
const NF4 = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
  -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
  0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
];

/**
 * bitsandbytes' FP4 by code: a sign, two bits of exponent, one of mantissa, over 12. Codes are not in the order of their
 * numbers, code 1 is a twelfth of a sixteenth (not 1/24 as a subnormal would be), code 8 is -0.
 */
const FP4 = [0, 5.208333333e-3, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25];

/**
 * What bitsandbytes and ONNX Runtime compare with, as float32: the middles of NF4, which are no float32 themselves, fall to
 * the one or the other side as the compiler reads the decimal; those of FP4 stand up to 14 steps beside the exact middles.
 */
const NF4_PIVOTS = [
  -0.84809643, -0.6106329, -0.45999527, -0.33967942, -0.2346074, -0.13791174, -0.045525018, 0.03979015, 0.120255254,
  0.20352125, 0.29201376, 0.38931254, 0.5016634, 0.6427869, 0.8614784,
];

const FP4_PIVOTS = [0.00260417, 0.0859375, 0.20833333, 0.29166667, 0.4166667, 0.583333, 0.8333333];

/** Pivots for both signs: magnitudes equal to one go inwards; anything below zero takes the negative zero. */
const mirrored = (pivots: readonly number[]): number[] => [
  ...pivots.map((pivot) => below(-Math.fround(pivot))).reverse(),
  -LEAST,
  ...pivots,
];

/**
 * The fixed tables. `nf4` and `fp4` give the codes that MatMulBnb4 and its quantizer in ONNX Runtime give, for every float32
 * (contrib_ops/cpu/quantization/blockwise_quant_block_bnb4.h). Values are expected in [-1, 1] (divided by the block's largest
 * magnitude). `ternary`: -1, 0, 1, halves go to 0. `binary`: -1 and 1, zero goes to 1.
 */
export const LEVEL_TABLES = {
  nf4: levelTable("nf4", NF4, NF4_PIVOTS),
  fp4: levelTable("fp4", [...FP4, ...FP4.map((level) => -level)], mirrored(FP4_PIVOTS)),
  ternary: levelTable("ternary", [-1, 0, 1], [below(-0.5), 0.5]),
  binary: levelTable("binary", [-1, 1], [-LEAST]),
} as const satisfies Record<string, LevelTable>;
