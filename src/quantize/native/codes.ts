// Codes as native operators want them, from the "encode" kernels: computed when they are pulled, scales and zero points
// kept, so that one computation serves the tensors that come out of it.

import { type EncodeLayout, encode } from "../../kernels/slabs.js";
import { toFloat16 } from "../../tensor/float16.js";
import { CHUNK, derivedData, type TensorData } from "../../tensor/tensor.js";
import type { Weight } from "../../weights/weights.js";
import { notFinite, type Workers } from "../computation.js";
import { type FitOptions, fitOf } from "../fitted/options.js";
import type { Settings } from "../options.js";
import { ranges } from "../ranges/index.js";
import { roundings } from "../rounding/index.js";

/** How a weight is searched and rounded, as the options say. */
type Search = Pick<EncodeLayout, "range" | "rounding" | "tensorScale"> & { readonly fit?: FitOptions | undefined };

export const searchOf = (settings: Settings): Search => ({
  range: ranges.get(settings.range).kernel(settings),
  rounding: roundings.get(settings.rounding).kernel(settings),
  tensorScale: 1,
  fit: fitOf(settings),
});

/** What is stored of a weight. `scales`: in the type of `EncodeLayout.scaleFormat`; `zeroPoints`: one code a byte, as encoded. */
export interface EncodedCodes {
  readonly codes: TensorData;
  readonly scales: TensorData;
  readonly zeroPoints: TensorData;
}

/**
 * The one plane of codes of a layout, with `counts` of packed bytes and of scales. `change` turns each piece of packed codes
 * into what the operator reads, in place.
 */
export function encodedCodes(
  workers: Workers,
  weight: Weight,
  { fit, ...layout }: EncodeLayout & Pick<Search, "fit">,
  counts: { readonly bytes: number; readonly scales: number },
  change: (bytes: Uint8Array) => void = () => {},
): EncodedCodes {
  type Small = { readonly scales: Float32Array; readonly zeroPoints: Uint8Array };
  let small: Promise<Small> | undefined;
  const { rows, columns, along, block } = layout;
  const fitted = fit && workers.fits?.want(weight, { options: fit, layout, sharing: { rows, columns, along, block } });
  const compute = async () => {
    if (fitted) {
      const { encoded } = await fitted();
      return { codes: encoded.planes[0]!, scales: encoded.scales, zeroPoints: encoded.zeroPoints ?? new Uint8Array(0) };
    }
    const made = await encode(await workers.kernels(), weight.tensor.data, layout, { signal: workers.signal });
    if (made.nonFinite > 0) throw notFinite(weight);
    return { codes: made.planes[0]!, scales: made.scales, zeroPoints: made.zeroPoints ?? new Uint8Array(0) };
  };
  const parameters = () => {
    small ??= compute().then(({ scales, zeroPoints }) => ({ scales, zeroPoints }));
    // A failure (a cancelled pull) is not kept.
    small.catch(() => {
      small = undefined;
    });
    return small;
  };
  const lazy = (byteLength: number, make: (found: Small) => ArrayBufferView): TensorData =>
    derivedData(byteLength, async function* () {
      const { buffer, byteOffset, byteLength: length } = make(await parameters());
      yield new Uint8Array(buffer, byteOffset, length);
    });
  const half = layout.scaleFormat === "float16";
  return {
    codes: derivedData(counts.bytes, async function* () {
      const { codes, scales, zeroPoints } = await compute();
      small = Promise.resolve({ scales, zeroPoints });
      for (let at = 0; at < codes.byteLength; at += CHUNK) {
        const piece = codes.subarray(at, at + CHUNK);
        change(piece);
        yield piece;
      }
    }),
    scales: lazy(counts.scales * (half ? 2 : 4), ({ scales }) => (half ? toFloat16(scales) : scales)),
    zeroPoints: lazy(counts.scales, ({ zeroPoints }) => zeroPoints),
  };
}
