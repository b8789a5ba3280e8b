// Codes of any grid with scales for each block, plain reference: what encoding.ts says, block by block.

import { internal } from "../base/errors.js";
import { packCodes } from "../tensor/packing.js";
import { drawAt } from "../tensor/random.js";
import { type Coder, coderOf } from "./encode-grid.js";
import { blockScaleOf, isBlockwise } from "./encode-scale.js";
import type { EncodeOptions, EncodeResult } from "./jobs.js";
import { divisorOf, floats } from "./numbers.js";

/** Sizes that follow from the options: `codes` before packing, and one scale for each block. */
export function shapeOf(options: Pick<EncodeOptions, "rows" | "columns" | "along" | "block" | "order" | "scaling">) {
  const { rows, columns, along, block, order, scaling } = options;
  const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
  const blocks = Math.ceil(inner / block);
  const codes = order === "own" ? rows * columns : outer * blocks * block;
  return { outer, inner, blocks, codes, scales: isBlockwise(scaling) ? outer * blocks : 0 };
}

/** Throws internal errors for options that no kernel has a meaning for. */
export function checkEncode(options: EncodeOptions): void {
  const { grids, gridAlong, scaling, scaleFormat, order, block, packing } = options;
  const wrong = (what: string) => internal(`encode: ${what}`);
  // An empty weight cut into groups has none.
  if (!gridAlong && grids.length !== 1) throw wrong(`${grids.length} grids`);
  if (packing.levels > 256) throw wrong(`codes of ${packing.levels} levels`);
  if (isBlockwise(scaling) && !(Number.isInteger(block) && block >= 1)) throw wrong(`blocks of ${block}`);
  if (order === "outer" && !isBlockwise(scaling)) throw wrong(`outer order with ${scaling.kind} scales`);
  if (order === "outer" && packing.planes.some(({ each }) => block % each !== 0)) {
    throw wrong(`blocks of ${block} do not pack to whole bytes`);
  }
  if (scaleFormat === "float8e8m0" && scaling.kind !== "absolute" && isBlockwise(scaling)) {
    throw wrong(`${scaling.kind} scales as powers of two`);
  }
  if (gridAlong) {
    if (grids.some((grid) => grid.kind === "integer")) throw wrong("integers along an axis");
    const { keep, size, first } = gridAlong;
    if (isBlockwise(scaling) && keep === options.along && (size % block !== 0 || first % block !== 0)) {
      throw wrong(`grids for ${size} ${keep} with blocks of ${block} of them`);
    }
  }
  if (grids.some((grid) => grid.kind === "levels") && !["none", "given", "absolute", "mean"].includes(scaling.kind)) {
    throw wrong(`${scaling.kind} scales for a grid of levels`);
  }
}

export function encode(bytes: Uint8Array, given: EncodeOptions): EncodeResult {
  checkEncode(given);
  const options = { ...given, tensorScale: Math.fround(given.tensorScale) };
  const { from, rows, columns, along, block, scaling, order, rounding, packing } = options;
  const values = floats(bytes, from);
  const shape = shapeOf(options);
  const coders = options.grids.map(coderOf);
  const found = new Uint8Array(shape.codes);
  let squaredError = 0;
  let nonFinite = 0;
  for (let i = 0; i < rows * columns; i++) if (!Number.isFinite(values[i])) nonFinite++;

  const code = (at: number, coder: Coder, scale: number, zeroPoint: number, to: number) => {
    const x = values[at]!;
    const draw = rounding.kind === "nearest" ? undefined : drawAt(rounding.seed, rounding.first + at);
    const place = coder.place(Math.fround(x / divisorOf(scale)), zeroPoint, draw);
    found[to] = coder.code(place);
    if (!Number.isFinite(x)) return;
    const error = Math.fround(x - Math.fround(coder.level(place, zeroPoint) * scale));
    squaredError += error * error;
  };
  const coderAt = (row: number, column: number): Coder => {
    const { gridAlong } = options;
    if (!gridAlong) return coders[0]!;
    const index = gridAlong.first + (gridAlong.keep === "rows" ? row : column);
    return coders[Math.floor(index / gridAlong.size) % coders.length]!;
  };

  if (!isBlockwise(scaling)) {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const coder = coderAt(row, column);
        const { scale, zeroPoint } = givenAt(options, coder, row, column);
        code(row * columns + column, coder, scale, zeroPoint, row * columns + column);
      }
    }
    return { bytes: packCodes(packing, found), scales: new Float32Array(0), nonFinite, squaredError };
  }

  const scales = new Float32Array(shape.scales);
  const zeroPoints = new Uint8Array(shape.scales);
  const step = along === "rows" ? columns : 1;
  for (let i = 0; i < shape.outer; i++) {
    for (let b = 0; b < shape.blocks; b++) {
      const length = Math.min(block, shape.inner - b * block);
      const start = along === "rows" ? b * block * columns + i : i * columns + b * block;
      const coder = along === "rows" ? coderAt(b * block, i) : coderAt(i, b * block);
      const part = Float32Array.from({ length }, (_, k) => values[start + k * step]!);
      const { scale, zeroPoint } = blockScaleOf(part, coder, options);
      const at = order === "own" && along === "rows" ? b * columns + i : i * shape.blocks + b;
      scales[at] = scale;
      zeroPoints[at] = zeroPoint;
      const factor = Math.fround(scale * options.tensorScale);
      for (let k = 0; k < length; k++) {
        const from = start + k * step;
        code(from, coder, factor, zeroPoint, order === "own" ? from : at * block + k);
      }
      if (order === "outer") found.fill(coder.code(coder.zero(zeroPoint)), at * block + length, (at + 1) * block);
    }
  }
  const result = { bytes: packCodes(packing, found), scales, nonFinite, squaredError };
  return scaling.kind === "affine" ? { ...result, zeroPoints } : result;
}

/** Scale and zero point of an element whose scale is not searched. */
function givenAt({ scaling, tensorScale }: EncodeOptions, coder: Coder, row: number, column: number) {
  if (scaling.kind !== "given") return { scale: 1, zeroPoint: coder.zeroPoint };
  const at = scaling.keep === "none" ? 0 : scaling.keep === "rows" ? row : column;
  const scale = Math.fround(scaling.scales[at % scaling.scales.length]! * tensorScale);
  return { scale, zeroPoint: scaling.zeroPoints?.[at % scaling.zeroPoints.length] ?? coder.zeroPoint };
}
