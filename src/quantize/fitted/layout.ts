// A fit as what the kernels would have made of the weight: packed codes, in the order that the form wants.

import type { Encoded, EncodeLayout } from "../../kernels/slabs.js";
import { packCodes } from "../../tensor/packing.js";
import type { FitOptions } from "./options.js";
import { type Coder, coderOf, decoded, type Fit, partsOf, type Sharing } from "./problem.js";

/** How a weight is to be stored, and found. */
export interface FitLayout {
  readonly options: FitOptions;
  /** One grid; scaling is found for each part of `sharing`. */
  readonly layout: EncodeLayout;
  readonly sharing: Sharing;
  /** NVFP4: the largest magnitude over this is a number that all scales are multiplied by. */
  readonly tensorRange?: number | undefined;
}

export interface FittedCodes {
  readonly encoded: Encoded;
  readonly tensorScale: number;
}

/** `weights`: in the order of the file. */
export function encodedFit(fit: Fit, weights: Float32Array, { layout, sharing }: FitLayout, tensorScale: number) {
  const coder = coderOf(layout.grids[0]!);
  const parts = partsOf(sharing);
  const levels = decoded(fit, parts, coder, tensorScale);
  let squaredError = 0;
  for (let at = 0; at < weights.length; at++) squaredError += (weights[at]! - levels[at]!) ** 2;
  const codes = fit.places.map((place) => coder.code(place));
  const affine = layout.scaling.kind === "affine";
  const { scales, zeroPoints, ordered } = inOrder(fit, codes, layout, coder);
  const bytes = packCodes(layout.packing, ordered);
  const planes: Uint8Array<ArrayBuffer>[] = [];
  let from = 0;
  for (const { each } of layout.packing.planes) {
    const length = Math.ceil(ordered.length / each);
    planes.push(bytes.slice(from, from + length));
    from += length;
  }
  const encoded: Encoded = {
    planes,
    scales: Float32Array.from(scales),
    nonFinite: 0,
    squaredError,
    ...(affine && { zeroPoints: Uint8Array.from(zeroPoints) }),
  };
  return encoded;
}

/** outer: [outer, blocks, block], the last block of each padded with the code of zero. */
function inOrder(fit: Fit, codes: Uint8Array, layout: EncodeLayout, coder: Coder) {
  const { rows, columns, along, block, order } = layout;
  if (order === "own") return { scales: fit.scales, zeroPoints: fit.zeroPoints, ordered: codes };
  const [outer, inner] = along === "rows" ? [columns, rows] : [rows, columns];
  const blocks = Math.ceil(inner / block);
  const scales = new Float32Array(outer * blocks);
  const zeroPoints = new Uint8Array(outer * blocks);
  const ordered = new Uint8Array(outer * blocks * block);
  for (let i = 0; i < outer; i++) {
    for (let b = 0; b < blocks; b++) {
      const part = along === "rows" ? b * outer + i : i * blocks + b;
      const at = i * blocks + b;
      scales[at] = fit.scales[part]!;
      zeroPoints[at] = fit.zeroPoints[part]!;
      const length = Math.min(block, inner - b * block);
      for (let k = 0; k < length; k++) {
        const index = b * block + k;
        ordered[at * block + k] = codes[along === "rows" ? index * columns + i : i * columns + index]!;
      }
      ordered.fill(coder.code(coder.zero(zeroPoints[at]!)), at * block + length, (at + 1) * block);
    }
  }
  return { scales, zeroPoints, ordered };
}
