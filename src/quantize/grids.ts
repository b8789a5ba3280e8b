// The grids that the "encode" kernels round to, from lists of numbers and from codebooks.

import { internal } from "../base/errors.js";
import type { Grid } from "../kernels/jobs.js";
import { FLOAT_FORMATS, type FloatFormatName, floatLevels } from "../tensor/float-formats.js";
import type { LevelTable } from "../tensor/level-tables.js";

type LevelGrid = Extract<Grid, { kind: "levels" }>;

/**
 * Which of two neighbours a number in the middle becomes: "even-code": the one whose code is even (round half to even, for
 * float formats, whose codes ascend with their numbers), "lower" or "upper": of the two numbers, "inward": the one nearer to 0.
 */
export type Tie = "even-code" | "lower" | "upper" | "inward";

/**
 * The grid of numbers given by code (at most 256). Codes of NaN, infinities and numbers that an earlier code has (-0 beside 0)
 * are never written.
 */
export function gridOf(levelsByCode: ArrayLike<number>, tie: Tie): LevelGrid {
  const seen = new Set<number>();
  const kept: { level: number; code: number }[] = [];
  for (let code = 0; code < levelsByCode.length; code++) {
    // -0 is 0 to a Set.
    const level = Math.fround(levelsByCode[code]!);
    if (!Number.isFinite(level) || seen.has(level)) continue;
    seen.add(level);
    kept.push({ level: level + 0, code });
  }
  kept.sort((a, b) => a.level - b.level);
  if (kept.length === 0 || levelsByCode.length > 256) throw internal(`a grid of ${kept.length} levels`);
  const upwards = (i: number): boolean => {
    if (tie === "even-code") return kept[i]!.code % 2 === 1;
    if (tie === "inward") return Math.abs(kept[i + 1]!.level) < Math.abs(kept[i]!.level);
    return tie === "upper";
  };
  const thresholds = Float32Array.from({ length: kept.length - 1 }, (_, i) => {
    // Exact: the sum of two float32 whose exponents differ by less than 29; where they differ by more, the smaller one's
    // part is less than a float32's last place, and only its sign could matter.
    return threshold((kept[i]!.level + kept[i + 1]!.level) / 2, upwards(i));
  });
  return {
    kind: "levels",
    levels: Float32Array.from(kept, ({ level }) => level),
    thresholds,
    codes: Uint8Array.from(kept, ({ code }) => code),
  };
}

/** The grid of a float format of at most 8 bits. */
export function gridOfFloat(name: FloatFormatName): LevelGrid {
  const { bits, mantissaBits, minNormal, max } = FLOAT_FORMATS[name];
  if (mantissaBits === 0) throw internal(`a grid of ${name}`);
  return { ...gridOf(floatLevels(name), "even-code"), float: { bits, mantissaBits, minNormal, max } };
}

/** The grid of a table with its own pivots. Of -0 and 0, the code of 0 is written for both. */
export function gridOfTable({ levels, order, pivots }: LevelTable): LevelGrid {
  const kept = [...order.keys()].filter((i) => i + 1 === order.length || levels[order[i]!]! < levels[order[i + 1]!]!);
  return {
    kind: "levels",
    levels: Float32Array.from(kept, (i) => levels[order[i]!]! + 0),
    // The pivot that a level shares with the last kept one below it.
    thresholds: Float32Array.from(kept.slice(0, -1), (i) => following(pivots[i]!)),
    codes: Uint8Array.from(kept, (i) => order[i]!),
  };
}

/** The smallest float32 that is above `middle`, or (`tied`) not below it. */
function threshold(middle: number, tied: boolean): number {
  const near = Math.fround(middle);
  if (near > middle || (near === middle && tied)) return near;
  return following(near);
}

const float = new Float32Array(1);
const word = new Int32Array(float.buffer);

/** The float32 after `value`. */
function following(value: number): number {
  float[0] = value;
  if (float[0] === 0) return 2 ** -149;
  word[0] = word[0]! + (value > 0 ? 1 : -1);
  return float[0]!;
}
