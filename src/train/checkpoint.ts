// A training that was stopped, as one file in the safetensors format. Tensors "state/<input>" are what the session holds,
// "best/<weight>" the best weights so far; the metadata has "pare" (the format's version), "key" (what the training is of),
// "loop" (where it stands), as JSON. Numbers of JSON come back bit for bit; what is not finite stands as null.

import { invalid } from "../base/errors.js";
import { type Note, warning } from "../base/note.js";
import type { ResidentState } from "../engine/resident.js";
import type { SessionSource } from "../engine/runtime.js";
import { hashData } from "../tensor/content.js";
import { bytesData } from "../tensor/tensor.js";
import type { Value } from "../tensor/value.js";
import type { LoopOptions, LoopState } from "./loop-options.js";
import { readSafetensors, writeSafetensors } from "./safetensors.js";
import type { StepGraph } from "./step.js";

/** Holds one checkpoint. Writing replaces it whole or not at all. */
export interface CheckpointStore {
  /** What a user calls it: a path. */
  readonly name?: string | undefined;
  /** Undefined where there is none yet. */
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
}

/** What a training is of. Another one of the same key goes the same way. */
export interface TrainingKey {
  /** Hash of the step graph: layers, losses, optimizer, batch. */
  readonly graph: string;
  /** Hash of the weights before the first step. */
  readonly weights: string;
  readonly settings: Readonly<Record<string, unknown>>;
  /** What runs it: a difference changes the last bits only. */
  readonly engine: Readonly<Record<string, unknown>>;
}

export interface Checkpoint {
  readonly state: Readonly<Record<string, Value>>;
  readonly best: ReadonlyMap<string, Value> | undefined;
  readonly loop: LoopState;
}

const VERSION = "1";

export async function trainingKey(
  step: StepGraph,
  source: SessionSource,
  initial: Readonly<Record<string, Value>>,
  options: LoopOptions,
  data: Readonly<Record<string, unknown>>,
  engine: Readonly<Record<string, unknown>>,
): Promise<TrainingKey> {
  const { epochs, steps, accumulate, lr, schedule, scaling, lastBatch, seed } = options;
  const { evaluateEvery, evaluateLimit, patience, minDelta, target, choose } = options;
  const settings = { epochs, steps, accumulate, lr, schedule, scaling, lastBatch, seed };
  const looks = { evaluateEvery, evaluateLimit, patience, minDelta, target, choose };
  // What the optimizer computes outside of the graph.
  const optimizer = [1, 100].map((update) => step.scalarsAt(update, 1, { lossScale: 1, apply: true, fresh: true }));
  const all = { ...settings, ...looks, optimizer, ...data, ...options.settings };
  const hashes = await Promise.all(Object.values(initial).map(({ data: values }) => hashOf(values as Float32Array)));
  return {
    graph: "bytes" in source ? await hashOf(source.bytes) : "",
    weights: await hashOf(new TextEncoder().encode(hashes.join())),
    settings: plain(all),
    engine: plain(engine),
  };
}

export function packCheckpoint(key: TrainingKey, { state, best, loop }: Checkpoint): Uint8Array {
  const values: Record<string, Value> = {};
  for (const [name, value] of Object.entries(state)) values[`state/${name}`] = value;
  for (const [name, value] of best ?? []) values[`best/${name}`] = value;
  return writeSafetensors({
    values,
    metadata: { pare: VERSION, key: JSON.stringify(key), loop: JSON.stringify(loop) },
  });
}

/**
 * Throws `invalid("checkpoint-damaged")` for a file that is none, `invalid("checkpoint-other")` for one of another model or
 * other settings, naming what differs. What only ran elsewhere is taken, with a note.
 */
export function unpackCheckpoint(
  bytes: Uint8Array,
  name: string,
  key: TrainingKey,
  slots: readonly ResidentState[],
): Checkpoint & { readonly notes: readonly Note[] } {
  const { values, metadata } = readSafetensors(bytes, name);
  if (metadata.pare !== VERSION || metadata.key === undefined || metadata.loop === undefined) {
    throw invalid("checkpoint-damaged", `${name} is no checkpoint of this version of pare.`);
  }
  const found = JSON.parse(metadata.key) as TrainingKey;
  const changed = differences(found.settings, key.settings);
  const other = (what: string, expected: string, present: string) =>
    invalid("checkpoint-other", `${name} is the checkpoint of another training: ${what}.`, {
      expected,
      found: present,
      hint: "Give the model and the options that it was begun with, or begin anew without resuming.",
    });
  if (changed.length > 0) {
    const [shown, hidden] = [changed.slice(0, 4), changed.length - 4];
    const text = (side: "before" | "now") => shown.map((one) => `${one.key} ${one[side]}`).join(", ");
    const more = hidden > 0 ? ` and ${hidden} more` : "";
    throw other(`${shown.map((one) => one.key).join(", ")}${more} differ`, text("before"), text("now"));
  }
  if (found.graph !== key.graph) throw other("the model or its step differs", found.graph, key.graph);
  if (found.weights !== key.weights) throw other("the weights at the start differ", found.weights, key.weights);
  const state: Record<string, Value> = {};
  for (const { input } of slots) {
    const value = values[`state/${input}`];
    if (value === undefined) throw invalid("checkpoint-damaged", `${name} lacks the state "${input}".`);
    state[input] = value;
  }
  const loop = JSON.parse(metadata.loop) as LoopState;
  const best = Object.entries(values).filter(([each]) => each.startsWith("best/"));
  const elsewhere = differences(found.engine, key.engine);
  const notes = elsewhere.map(({ key: what, before, now }) =>
    warning("resumed-elsewhere", `The checkpoint was made with ${what} ${before}, now ${now}: last bits will differ.`),
  );
  return {
    state,
    best: best.length === 0 ? undefined : new Map(best.map(([each, value]) => [each.slice("best/".length), value])),
    loop: { ...loop, log: loop.log.map((entry) => (entry.loss === null ? { ...entry, loss: Number.NaN } : entry)) },
    notes,
  };
}

function differences(before: Readonly<Record<string, unknown>>, now: Readonly<Record<string, unknown>>) {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const text = (value: unknown) => (value === undefined ? "not set" : JSON.stringify(value));
  return keys
    .map((key) => ({ key, before: text(before[key]), now: text(now[key]) }))
    .filter((one) => one.before !== one.now);
}

/** As it comes back from a file: keys of undefined are gone. */
const plain = (value: Readonly<Record<string, unknown>>) =>
  JSON.parse(JSON.stringify(value)) as Record<string, unknown>;

const hashOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  hashData(bytesData(new Uint8Array(buffer, byteOffset, byteLength)));
