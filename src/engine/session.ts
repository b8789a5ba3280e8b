// From a Model to a session of the runtime: as bytes, or through a temporary file when it is large.

import type { Context } from "../base/context.js";
import { failed } from "../base/errors.js";
import type { Model } from "../ir/model.js";
import { encode, toBytes } from "../onnx/encode.js";
import type { Runtime, RuntimeSession, SessionOptions, SessionSource, TemporaryFolder } from "./runtime.js";
import { weightBytes } from "./weight-bytes.js";

/** What running a model needs from outside: a runtime, and somewhere to put a model too large for memory. */
export interface EngineServices extends Context {
  runtime(): Promise<Runtime>;
  temporary(): Promise<TemporaryFolder>;
}

export interface OpenOptions extends SessionOptions {
  /** A file that holds this very model, unchanged: large models are then opened from it, without a copy. */
  readonly path?: string | undefined;
}

/** Above this many bytes of weights a model goes to the runtime by path: it maps the file, and no copy is held here. */
const BY_PATH = 256 * 2 ** 20;
/** Protobuf's limit for one message, with room for the graph itself. */
const INLINE_LIMIT = 2 ** 31 - 64 * 2 ** 20;
/** A WASM heap has 4 GiB, and the weights are copied into it. */
const WASM_LIMIT = 3.5 * 2 ** 30;

/**
 * Throws `engine-load-failed`, `engine-operator`, `engine-memory` ... when the runtime refuses. The caller releases.
 * `threads` defaults to the context's.
 */
export async function openSession(
  model: Model,
  services: EngineServices,
  options: OpenOptions = {},
): Promise<RuntimeSession> {
  services.signal?.throwIfAborted();
  const runtime = await services.runtime();
  const { path, ...rest } = options;
  const threads = rest.threads ?? services.threads;
  const session: SessionOptions = threads === undefined ? rest : { ...rest, threads };
  const bytes = weightBytes(model.graph);
  if (runtime.acceptsPath && bytes > BY_PATH) {
    if (path !== undefined) return runtime.createSession({ path }, session);
    return viaFile(model, await services.temporary(), runtime, session);
  }
  return runtime.createSession(await sourceInMemory(model), session);
}

/** Opens a session, hands it to `work`, and releases it whatever happens. */
export async function withSession<T>(
  model: Model,
  services: EngineServices,
  options: OpenOptions,
  work: (session: RuntimeSession) => Promise<T>,
): Promise<T> {
  const session = await openSession(model, services, options);
  try {
    return await work(session);
  } finally {
    await session.release();
  }
}

let files = 0;

async function viaFile(
  model: Model,
  folder: TemporaryFolder,
  runtime: Runtime,
  options: SessionOptions,
): Promise<RuntimeSession> {
  const stem = `session-${files++}`;
  const names = [`${stem}.onnx`, `${stem}.data`] as const;
  const remove = async () => {
    for (const name of names) await folder.remove(name);
  };
  try {
    const encoded = encode(model, { external: { location: names[1] } });
    if (encoded.external) await write(folder, names[1], encoded.external.stream());
    await write(folder, names[0], encoded.stream());
    const session = await runtime.createSession({ path: folder.file(names[0]) }, options);
    return {
      ...session,
      async release() {
        await session.release();
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function write(folder: TemporaryFolder, name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
  const sink = await folder.create(name);
  try {
    for await (const piece of pieces) await sink.write(piece);
    await sink.finish();
    await sink.commit();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** The model's bytes, weights above protobuf's limit beside them. Throws `failed("engine-memory")` above what WASM can hold. */
export async function sourceInMemory(model: Model): Promise<SessionSource> {
  const bytes = weightBytes(model.graph);
  if (bytes < INLINE_LIMIT) return { bytes: await toBytes(model) };
  if (bytes > WASM_LIMIT) {
    throw failed("engine-memory", "The model is too large for onnxruntime-web: its WASM heap has 4 GiB.", {
      found: `${(bytes / 2 ** 30).toFixed(1)} GiB of weights`,
      hint: "Install onnxruntime-node: ONNXRUNTIME_NODE_INSTALL=skip npm i onnxruntime-node",
    });
  }
  const path = "weights.data";
  const encoded = encode(model, { external: { location: path } });
  const whole = await collect(encoded.byteLength, encoded.stream());
  if (!encoded.external) return { bytes: whole };
  const data = await collect(encoded.external.byteLength, encoded.external.stream());
  return { bytes: whole, external: [{ path, data }] };
}

async function collect(byteLength: number, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const whole = new Uint8Array(byteLength);
  let at = 0;
  for await (const piece of pieces) {
    whole.set(piece, at);
    at += piece.byteLength;
  }
  return whole;
}
