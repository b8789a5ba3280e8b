// What onnxruntime-node and onnxruntime-web have in common: sessions behind our interface.

import type * as Ort from "onnxruntime-web";
import { invalid, unsupported } from "../base/errors.js";
import type { Note } from "../base/note.js";
import { suggest } from "../base/registry.js";
import { isCarried } from "../engine/carried.js";
import type { PortInfo, Provider, Runtime, RuntimeSession, SessionOptions, SessionSource } from "../engine/runtime.js";
import type { DType } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import { engineError } from "./ort-errors.js";
import { fromTensor, toTensor } from "./ort-tensor.js";

/** The parts of the two packages that we use. */
export type OrtModule = Pick<typeof Ort, "InferenceSession" | "Tensor" | "env">;

export interface Binding {
  readonly name: string;
  readonly version: string;
  readonly provider: Provider;
  readonly acceptsPath: boolean;
  readonly fallback?: Note;
  /** The module that serves this provider, set up for these options. */
  open(provider: Provider, options: SessionOptions): Promise<OrtModule>;
  /**
   * Where state stays between runs: "filled" into arrays that the caller holds, "returned" as fresh arrays (onnxruntime-web
   * never copies an output back into an array that it was given), or on the "device".
   */
  residence(provider: Provider): "filled" | "returned" | "device";
  /** What the executionProviders entry is called, and options that only this package knows. */
  sessionOptions(provider: Provider, options: SessionOptions): Ort.InferenceSession.SessionOptions;
}

/** Errors only: ONNX Runtime would also print them to stderr, past us. 4 is "fatal". */
export const QUIET = 4;

export function ortRuntime(binding: Binding): Runtime {
  const { name, version, provider, acceptsPath, fallback } = binding;
  return {
    name,
    version,
    provider,
    acceptsPath,
    ...(fallback === undefined ? {} : { fallback }),
    async createSession(source, options = {}) {
      const { session, ort } = await openOrt(binding, source, options);
      return ours(session, ort);
    },
  };
}

/** A session as the package gives it. `more`: options that only the caller knows. Throws `engine-...`. */
export async function openOrt(
  binding: Binding,
  source: SessionSource,
  options: SessionOptions,
  more: Ort.InferenceSession.SessionOptions = {},
): Promise<{ readonly session: Ort.InferenceSession; readonly ort: OrtModule }> {
  const asked = options.provider ?? binding.provider;
  try {
    const ort = await binding.open(asked, options);
    const session = await create(ort, source, {
      executionProviders: [asked],
      graphOptimizationLevel: levels[options.optimize ?? "all"],
      logSeverityLevel: QUIET,
      ...(options.optimizedPath === undefined ? {} : { optimizedModelFilePath: options.optimizedPath }),
      ...(options.config === undefined ? {} : { extra: { ...options.config } }),
      ...binding.sessionOptions(asked, options),
      ...more,
    });
    return { session, ort };
  } catch (error) {
    throw engineError(error, "load");
  }
}

const levels = { off: "disabled", basic: "basic", extended: "extended", all: "all" } as const;

function create(ort: OrtModule, source: SessionSource, options: Ort.InferenceSession.SessionOptions) {
  if ("path" in source) return ort.InferenceSession.create(source.path, options);
  const external = source.external?.map(({ path, data }) => ({ path, data }));
  return ort.InferenceSession.create(
    source.bytes,
    external === undefined ? options : { ...options, externalData: external },
  );
}

function ours(session: Ort.InferenceSession, ort: OrtModule): RuntimeSession {
  const inputs = session.inputMetadata.map(port);
  const outputs = session.outputMetadata.map(port);
  const known = new Set(inputs.map(({ name }) => name));
  return {
    inputs,
    outputs,
    async run(feeds, fetches) {
      const wanted = fetches ?? outputs.map(({ name }) => name);
      for (const name of wanted) checkOutput(name, outputs);
      checkFeeds(feeds, inputs, known);
      const tensors: Record<string, Ort.Tensor> = {};
      for (const { name } of inputs) tensors[name] = toTensor(name, feeds[name]!, ort.Tensor);
      try {
        const results = await session.run(tensors, wanted, { logSeverityLevel: QUIET });
        const values: Record<string, Value> = {};
        for (const name of wanted) values[name] = fromTensor(results[name]!);
        return values;
      } catch (error) {
        throw engineError(error, "run");
      }
    },
    release: () => session.release(),
  };
}

export const port = (metadata: Ort.InferenceSession.ValueMetadata): PortInfo =>
  metadata.isTensor
    ? {
        name: metadata.name,
        dtype: metadata.type as DType,
        shape: metadata.shape.map((size) => (size === "" ? null : size)),
      }
    : { name: metadata.name, dtype: undefined, shape: undefined };

function checkOutput(name: string, outputs: readonly PortInfo[]): void {
  const output = outputs.find((one) => one.name === name);
  if (output === undefined) {
    const names = outputs.map((one) => one.name);
    throw invalid("engine-output-unknown", `The model has no output "${name}".`, {
      expected: names.join(", "),
      hint: suggest(name, names),
    });
  }
  if (output.dtype === undefined) {
    throw unsupported("engine-output-kind", `Output "${name}" is not a tensor (a sequence, map or optional).`, {
      node: name,
    });
  }
  if (!isCarried(output.dtype)) {
    throw unsupported("engine-dtype", `Output "${name}" is ${output.dtype}, which JavaScript cannot receive.`, {
      node: name,
      hint: "Cast it to float32 inside the graph.",
    });
  }
}

export function checkFeeds(feeds: Feeds, inputs: readonly PortInfo[], known: ReadonlySet<string>): void {
  for (const { name, dtype } of inputs) {
    const value = feeds[name];
    if (value === undefined) {
      throw invalid("engine-feed-missing", `Input "${name}" is not given.`, {
        node: name,
        expected: inputs.map((one) => one.name).join(", "),
        found: Object.keys(feeds).join(", ") || "nothing",
      });
    }
    if (dtype !== undefined && value.dtype !== dtype) {
      throw invalid("engine-dtype", `Input "${name}" has the wrong element type.`, {
        node: name,
        expected: dtype,
        found: value.dtype,
      });
    }
  }
  for (const name of Object.keys(feeds)) {
    if (!known.has(name)) {
      throw invalid("engine-feed-unknown", `The model has no input "${name}".`, {
        expected: [...known].join(", "),
        found: name,
        hint: suggest(name, [...known]),
      });
    }
  }
}
