// Pictures in Node, by sharp, loaded when the first picture is decoded. It only decodes: no resizing, no colour
// conversion by embedded profiles, so that the page's decoder gives the same pixels.

import type { Sharp, SharpOptions } from "sharp";
import { failed, invalid } from "../../base/errors.js";
import type { RawImage } from "../../data/image.js";

type SharpModule = (input: Uint8Array, options: SharpOptions) => Sharp;
let loaded: Promise<SharpModule> | undefined;

/**
 * 8-bit pixels, orientation applied, alpha dropped without blending, the first frame of an animation. Palettes become
 * RGB, 16 bits keep their high byte. Throws `failed("image-decoder-missing")` or `invalid("image-undecodable")`.
 */
export async function decodeImage(bytes: Uint8Array): Promise<RawImage> {
  loaded ??= load();
  const sharp = await loaded;
  try {
    const image = sharp(bytes, { ignoreIcc: true, failOn: "error" }).autoOrient().removeAlpha();
    const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    if (info.channels !== 1 && info.channels !== 3) throw new Error(`${info.channels} channels`);
    return { width: info.width, height: info.height, channels: info.channels, data };
  } catch (cause) {
    throw invalid("image-undecodable", `A picture could not be decoded: ${(cause as Error).message}.`, { cause });
  }
}

async function load(): Promise<SharpModule> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    loaded = undefined;
    throw failed(
      "image-decoder-missing",
      "Pictures are decoded by sharp, which is not installed or cannot be loaded.",
      {
        hint: "Install it: npm i sharp. Other data (.npz, raw, IDX, text, audio) needs no decoder.",
        cause,
      },
    );
  }
}
