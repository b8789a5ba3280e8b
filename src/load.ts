// load: any ONNX file, by path, URL, Blob or bytes. Its weights stay where they are until someone reads them.

import { platform } from "#platform";
import type { Context } from "./base/context.js";
import type { Model } from "./ir/model.js";
import { decode } from "./onnx/decode.js";

const asLoaded = new WeakSet<Model>();

/** Whether a model is exactly what `load` gave: then its file can stand for it, where one is needed. */
export const isAsLoaded = (model: Model): boolean => asLoaded.has(model);

/**
 * Opens a model of any size. Only its structure is read; weights of 1 KiB or more are read when they are used, so the
 * file must stay as it is while the model is in use (in Node, replacing it by renaming, as `save` does, is safe).
 *
 * @param input A path, an http, https or file URL, a Blob (File), or the bytes of the model file.
 * @throws PareError that says what is wrong with the file, or that it cannot be opened.
 */
export async function load(input: string | URL | Blob | Uint8Array, options: Context = {}): Promise<Model> {
  options.signal?.throwIfAborted();
  const { source, folder } = await platform.open(input);
  try {
    const model = await decode(source, folder);
    asLoaded.add(model);
    options.signal?.throwIfAborted();
    return model;
  } catch (error) {
    await source.close?.();
    throw error;
  }
}
