// Is the result still the model it came from? Both run on the same feeds; each output is compared with figures that
// stream: nothing is kept of a sample once it is counted.

import { failed, invalid, PareError } from "../base/errors.js";
import { type Note, warning } from "../base/note.js";
import type { Model } from "../ir/model.js";
import type { Feeds, Value } from "../tensor/value.js";
import { classOutputs } from "./classes.js";
import { adaptFeeds } from "./feeds.js";
import { type OutputFigures, type OutputTally, outputFigures } from "./figures.js";
import type { PortInfo, RuntimeSession, SessionOptions } from "./runtime.js";
import { runInSegments } from "./segments.js";
import { type EngineServices, openSession } from "./session.js";
import { SESSION_FACTOR, weightBytes } from "./weight-bytes.js";

export interface Verification {
  /** "full": both ran whole. "segments": both ran in consecutive pieces of their graphs. "no": they did not run. */
  readonly verified: "full" | "segments" | "no";
  /** Why not in full, or not at all. */
  readonly reason?: string;
  /** The runtime takes the reference, and refuses the result: it is broken, not merely unverified. */
  readonly refused?: true;
  readonly samples: number;
  /** One entry for each tensor output of the reference, in graph order; empty when verified is "no". */
  readonly outputs: readonly OutputFigures[];
  readonly notes: readonly Note[];
}

export interface VerifyOptions {
  /** Samples at most; default all. */
  readonly limit?: number | undefined;
  /** How each model is opened: files that hold them (so that large ones need no copy), session options. */
  readonly reference?: SessionOptions & { readonly path?: string | undefined };
  readonly result?: SessionOptions & { readonly path?: string | undefined };
  /** "auto" runs in segments when the models do not fit the memory budget; default "auto". */
  readonly mode?: "auto" | "full" | "segments";
  /** Outputs that hold scores of classes; default: those that the reference's names and last operators tell. */
  readonly classes?: readonly string[] | undefined;
}

const DEFAULT_MEMORY = 2 * 2 ** 30;

/**
 * Runs reference and result on the same samples and compares every tensor output of the reference. The memory budget is
 * `services.memory`: above it both models run in segments, one after the other. A runtime that refuses either model gives
 * `verified: "no"` with the reason; an output that is missing or of another shape throws `invalid("compare-...")`.
 */
export async function verifyModel(
  reference: Model,
  result: Model,
  samples: AsyncIterable<Feeds>,
  services: EngineServices,
  options: VerifyOptions = {},
): Promise<Verification> {
  const memory = services.memory ?? DEFAULT_MEMORY;
  const largest = Math.max(weightBytes(reference.graph), weightBytes(result.graph));
  const { mode = "auto" } = options;
  const need = largest * SESSION_FACTOR;
  try {
    if (mode === "full" || (mode === "auto" && need <= memory)) {
      // Both at once when they fit together: then no output waits for its counterpart.
      return await full(reference, result, samples, services, options, mode === "full" || 2 * need <= memory);
    }
    return await inSegments(reference, result, samples, services, options, memory);
  } catch (error) {
    if (!(error instanceof PareError) || !error.code.startsWith("engine-")) throw error;
    const where = error.node === undefined ? "" : ` (${error.node})`;
    const refused = REFUSED.has(error) && { refused: true as const };
    return { verified: "no", reason: error.message + where, samples: 0, outputs: [], notes: [], ...refused };
  }
}

/** Errors of a result whose reference had been opened before. */
const REFUSED = new WeakSet<PareError>();

/** A session of the result, once there is one of the reference. Want of memory says nothing about the result. */
async function openResult(result: Model, services: EngineServices, options?: SessionOptions): Promise<RuntimeSession> {
  try {
    return await openSession(result, services, options);
  } catch (error) {
    if (error instanceof PareError && error.code !== "engine-memory") REFUSED.add(error);
    throw error;
  }
}

async function full(
  reference: Model,
  result: Model,
  samples: AsyncIterable<Feeds>,
  services: EngineServices,
  options: VerifyOptions,
  together: boolean,
): Promise<Verification> {
  const tally = new Comparison(reference, options);
  const limited = limit(samples, options.limit, services.signal);
  if (together) {
    const first = await openSession(reference, services, options.reference);
    try {
      const second = await openResult(result, services, options.result);
      try {
        const names = tally.names(first.outputs, second.outputs);
        for await (const feeds of limited) {
          tally.add(await runOn(first, feeds, names), await runOn(second, feeds, names));
        }
      } finally {
        await second.release();
      }
    } finally {
      await first.release();
    }
    return tally.done("full");
  }
  const kept: Feeds[] = [];
  for await (const feeds of limited) kept.push(feeds);
  const expected: Record<string, Value>[] = [];
  const first = await openSession(reference, services, options.reference);
  try {
    const names = tally.names(first.outputs, result.graph.outputs);
    for (const feeds of kept) expected.push(await runOn(first, feeds, names));
  } finally {
    await first.release();
  }
  const second = await openResult(result, services, options.result);
  try {
    for (const [i, feeds] of kept.entries()) {
      tally.add(expected[i]!, await runOn(second, feeds, Object.keys(expected[i]!)));
    }
  } finally {
    await second.release();
  }
  return tally.done("full");
}

async function inSegments(
  reference: Model,
  result: Model,
  samples: AsyncIterable<Feeds>,
  services: EngineServices,
  options: VerifyOptions,
  memory: number,
): Promise<Verification> {
  const tally = new Comparison(reference, options);
  const kept: Feeds[] = [];
  for await (const feeds of limit(samples, options.limit, services.signal)) kept.push(feeds);
  const budget = Math.max(memory / (2 * SESSION_FACTOR), 32 * 2 ** 20);
  const names = tally.names(
    reference.graph.outputs.map(({ name, type }) => ({
      name,
      dtype: type?.kind === "sequence" ? undefined : "float32",
    })),
    result.graph.outputs,
  );
  const expected = await runInSegments(reference, kept, names, services, {
    budget,
    session: sessionOf(options.reference),
  });
  const actual = await runInSegments(result, kept, names, services, { budget, session: sessionOf(options.result) });
  for (const [i, values] of expected.entries()) tally.add(values, actual[i]!);
  return tally.done("segments", `the weights need more than the memory budget of ${Math.round(memory / 2 ** 20)} MiB`);
}

const sessionOf = ({ path: _path, ...session }: SessionOptions & { readonly path?: string | undefined } = {}) =>
  session;

/** Tallies all outputs of all samples. */
class Comparison {
  readonly #classes: ReadonlySet<string>;
  readonly #tallies = new Map<string, OutputTally>();
  readonly #notes: Note[] = [];
  #samples = 0;

  constructor(reference: Model, { classes }: VerifyOptions) {
    this.#classes = classes === undefined ? classOutputs(reference) : new Set(classes);
  }

  /** The outputs that are compared; those of the reference that are not tensors are left out with a Note. */
  names(
    reference: readonly Pick<PortInfo, "name" | "dtype">[],
    result: readonly { readonly name: string }[],
  ): string[] {
    const there = new Set(result.map(({ name }) => name));
    const names: string[] = [];
    for (const { name, dtype } of reference) {
      if (!there.has(name)) {
        throw invalid("compare-output-missing", `The result has no output "${name}".`, {
          node: name,
          expected: reference.map((output) => output.name).join(", "),
          found: [...there].join(", "),
        });
      }
      if (dtype === undefined) this.#notes.push(warning("not-compared", "The output is not a tensor.", name));
      else names.push(name);
    }
    return names;
  }

  add(expected: Readonly<Record<string, Value>>, found: Readonly<Record<string, Value>>): void {
    this.#samples++;
    for (const [name, value] of Object.entries(expected)) {
      const other = found[name]!;
      if (value.dims.join() !== other.dims.join()) {
        throw invalid("compare-shape", `Output "${name}" has another shape than in the original.`, {
          node: name,
          expected: `[${value.dims}]`,
          found: `[${other.dims}]`,
        });
      }
      const tally = this.#tallies.get(name) ?? outputFigures(name, this.#classes.has(name));
      this.#tallies.set(name, tally);
      tally.add(value, other);
    }
  }

  done(verified: "full" | "segments", reason?: string): Verification {
    if (this.#samples === 0) throw failed("engine-no-samples", "There is no sample to compare on.");
    const outputs = [...this.#tallies.values()].map((tally) => tally.figures());
    return {
      verified,
      ...(reason === undefined ? {} : { reason }),
      samples: this.#samples,
      outputs,
      notes: this.#notes,
    };
  }
}

const runOn = (session: RuntimeSession, feeds: Feeds, names: readonly string[]) =>
  session.run(adaptFeeds(feeds, session.inputs), names);

async function* limit(
  samples: AsyncIterable<Feeds>,
  most = Number.POSITIVE_INFINITY,
  signal?: AbortSignal,
): AsyncIterable<Feeds> {
  let done = 0;
  if (most <= 0) return;
  for await (const feeds of samples) {
    signal?.throwIfAborted();
    yield feeds;
    if (++done >= most) return;
  }
}
