// Tables from a byte to the numbers that its digits stand for: [256, each], one Gather for a whole byte.

import type { Graph } from "../../ir/model.js";
import { DTYPES, type DType } from "../../tensor/dtype.js";
import { FLOAT_FORMATS, floatLevels } from "../../tensor/float-formats.js";
import { LEVEL_TABLES } from "../../tensor/level-tables.js";
import { type Plane, symbolTable } from "../../tensor/packing.js";
import { float32, int64, tensor } from "../../tensor/tensor.js";
import type { NumberFormat } from "../formats/index.js";
import type { Shared } from "./shared.js";

export interface TablePlace {
  readonly shared: Shared;
  readonly graph: Graph;
}

/**
 * Digits of a plane times its multiplier, plus `offset`, as `to`: [256, ...dims]. Stored as bytes.
 * `offset`: -128 .. 0, the number that code 0 stands for.
 */
export function digitTable(
  { shared, graph }: TablePlace,
  { radix, each, multiplier }: Plane,
  dims: readonly number[],
  offset: number,
  to: "float32" | "int32",
): string {
  const dtype: DType = offset < 0 ? "int8" : "uint8";
  const key = JSON.stringify([radix, multiplier, offset, dims]);
  const bytes = shared.constant(graph, "digits", key, () => {
    const numbers = symbolTable({ radix, each, multiplier }).map((digit) => digit * multiplier + offset);
    return { ...tensor(dtype, [256, ...dims], numbers) };
  });
  return shared.made(graph, `digits_${to}`, "Cast", [bytes], { to: DTYPES[to].code });
}

/** Numbers of a level or float format by code. */
export function levelsTable({ shared, graph }: TablePlace, { name, codec, table }: NumberFormat): string {
  const key = codec ?? table ?? name;
  return shared.constant(graph, `levels_${key}`, "", () => {
    const levels = codec ? floatLevels(codec) : LEVEL_TABLES[table!].levels;
    // Codes of NaN and infinities are never written.
    return float32(
      [levels.length],
      levels.map((level) => (Number.isFinite(level) ? level : 0)),
    );
  });
}

/** Values of scales by code: e8m0 or e4m3. */
export function scaleTable({ shared, graph }: TablePlace, format: "float8e8m0" | "float8e4m3fn"): string {
  return shared.constant(graph, `scales_${format}`, "", () => {
    const values = Float32Array.from({ length: 256 }, (_, code) => FLOAT_FORMATS[format].decode(code));
    return float32(
      [256],
      values.map((value) => (Number.isFinite(value) ? value : 0)),
    );
  });
}

/** A shape, or a list of axes. */
export const integers = ({ shared, graph }: TablePlace, values: readonly number[]): string =>
  shared.constant(graph, "shape", values.join(), () => int64([values.length], values));

/** The block of each of `length` elements. Stored as bytes: not every build of the runtime casts uint16. */
export function blockIndex({ shared, graph }: TablePlace, length: number, block: number): string {
  const key = `${length}/${block}`;
  const bytes = (prefix: string, byteOf: (index: number) => number) => {
    const make = () =>
      tensor(
        "uint8",
        [length],
        Uint8Array.from({ length }, (_, at) => byteOf(Math.floor(at / block))),
      );
    const stored = shared.constant(graph, prefix, key, make);
    return shared.made(graph, `${prefix}_int32`, "Cast", [stored], { to: DTYPES.int32.code });
  };
  if (length <= 256 * block) return bytes("blocks", (index) => index);
  if (length > 65536 * block) {
    const index = () =>
      tensor(
        "int32",
        [length],
        Int32Array.from({ length }, (_, at) => Math.floor(at / block)),
      );
    return shared.constant(graph, "blocks_int32", key, index);
  }
  const byte = shared.constant(graph, "int32", "256", () => tensor("int32", [], Int32Array.of(256)));
  const high = shared.made(graph, "blocks_raised", "Mul", [bytes("blocks_high", (index) => index >> 8), byte]);
  return shared.made(graph, "blocks_int32", "Add", [high, bytes("blocks_low", (index) => index & 255)]);
}
