// The graph that ONNX Runtime makes of a model before it runs it: written by the runtime to a file, read back.

import type { Model } from "../ir/model.js";
import { decode } from "../onnx/decode.js";
import { type EngineServices, openSession } from "./session.js";

let files = 0;

/**
 * At level "extended", which is the last before layouts that depend on the processor. Undefined where the runtime cannot write
 * it (onnxruntime-web). Throws what opening a session throws.
 */
export async function optimisedModel(model: Model, services: EngineServices): Promise<Model | undefined> {
  const runtime = await services.runtime();
  if (!runtime.acceptsPath) return undefined;
  const folder = await services.temporary();
  const name = `optimised-${files++}.onnx`;
  try {
    const session = await openSession(model, services, { optimize: "extended", optimizedPath: folder.file(name) });
    await session.release();
    return await decode(await folder.open(name));
  } finally {
    await folder.remove(name);
  }
}
