// Pictures in the page, by the browser's own decoder. It only decodes: no resizing and no colour conversion, as in Node.

import { invalid } from "../../base/errors.js";
import type { RawImage } from "../../data/image.js";

/**
 * 8-bit RGB pixels, orientation applied, alpha dropped, the first frame of an animation. A canvas stores colours
 * multiplied by alpha, so half-transparent pixels may differ from Node's by a step or more; opaque ones do not.
 * Throws `invalid("image-undecodable")`.
 */
export async function decodeImage(bytes: Uint8Array): Promise<RawImage> {
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes.slice()]), {
      colorSpaceConversion: "none",
      premultiplyAlpha: "none",
      imageOrientation: "from-image",
    });
  } catch (cause) {
    throw invalid("image-undecodable", `A picture could not be decoded: ${(cause as Error).message}.`, { cause });
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw invalid("image-undecodable", "The browser gives no canvas to read pixels from.");
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data: pixels } = context.getImageData(0, 0, width, height);
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    data[to++] = pixels[from]!;
    data[to++] = pixels[from + 1]!;
    data[to++] = pixels[from + 2]!;
  }
  return { width, height, channels: 3, data };
}
