// A session that keeps values where the engine is from one run to the next: the weights and the state of training. What
// differs between Node (a worker thread) and the page is in `platform/`.

import type { Model } from "../ir/model.js";
import type { DType } from "../tensor/dtype.js";
import type { Feeds, Value } from "../tensor/value.js";
import type { SessionOptions, SessionSource } from "./runtime.js";
import { type EngineServices, sourceInMemory } from "./session.js";

/** A graph input that the session holds itself. */
export interface ResidentState {
  readonly input: string;
  /** The graph output that becomes the input's value on `commit`; undefined for an input that stays as it was written. */
  readonly output?: string | undefined;
  /** A type that JavaScript carries (`isCarried`), no strings. */
  readonly dtype: DType;
  readonly dims: readonly number[];
}

export interface ResidentSession {
  /**
   * Runs once on the state and these feeds (every input that is no state). Gives the named outputs, by default all that
   * are no state; new state stays pending. The arrays of `feeds` may be transferred: the caller gives them up. Never
   * blocks the calling thread in Node. Throws `engine-...` errors; state is then as it was, and nothing is pending.
   */
  run(feeds: Feeds, results?: readonly string[]): Promise<Record<string, Value>>;
  /** The pending state of the last run becomes the state. Without it, the next run starts from the same state again. */
  commit(): void;
  /** Copies of state by input name, default all. */
  read(names?: readonly string[]): Promise<Record<string, Value>>;
  /** Replaces state by input name; the values are copied. Drops what is pending. */
  write(values: Readonly<Record<string, Value>>): Promise<void>;
  /** Gives everything back. Further calls reject. */
  release(): Promise<void>;
}

/**
 * `initial` has a value for every input of `state`, and is copied; the bytes of `source` are given up. Throws `engine-...`
 * errors when the runtime refuses the model.
 */
export type OpenResident = (
  source: SessionSource,
  state: readonly ResidentState[],
  initial: Readonly<Record<string, Value>>,
  options?: SessionOptions,
) => Promise<ResidentSession>;

/** What the platform hands down to whoever trains. */
export interface ResidentServices extends EngineServices {
  readonly resident: OpenResident;
  /** Milliseconds, monotonic. For progress only, never for results. */
  now(): number;
}

/** A resident session of a model. `threads` defaults to the context's. */
export async function openResident(
  model: Model,
  state: readonly ResidentState[],
  initial: Readonly<Record<string, Value>>,
  services: ResidentServices,
  options: SessionOptions = {},
): Promise<ResidentSession> {
  services.signal?.throwIfAborted();
  const threads = options.threads ?? services.threads;
  const source = await sourceInMemory(model);
  return services.resident(source, state, initial, threads === undefined ? options : { ...options, threads });
}
