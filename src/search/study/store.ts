// Where finished runs are kept: one JSON value for each, by the hash of all that it depends on.

import { hash } from "../../metrics/equal-weights.js";
import type { StudyRecord } from "../../metrics/study-report.js";
import { bytesData } from "../../tensor/tensor.js";

/** Holds JSON by name: a folder of files, or memory. */
export interface StudyStore {
  /** For messages. */
  readonly name: string;
  /** What was written under the key; undefined where there is nothing. */
  read(key: string): Promise<unknown>;
  /** Whole or not at all. */
  write(key: string, json: unknown): Promise<void>;
}

/** All that a run's result depends on. Two runs with equal identities give equal results. */
export interface RunIdentity {
  readonly pare: string;
  /** Content of the model (`modelKey`). */
  readonly model: string;
  /** Content of the model whose weights are gone back to. */
  readonly earlier?: string | undefined;
  readonly recipe: readonly object[];
  readonly data: string;
  readonly seed: number;
  /** Samples that are measured at most; engine threads, since sums may be split by them; the engine. */
  readonly limit: number | null;
  readonly threads: number;
  readonly engine: string;
}

/** The name under which a run is kept. Objects of equal content, keys in any order, have the same. */
export const runKey = (identity: RunIdentity): Promise<string> =>
  hash(bytesData(new TextEncoder().encode(canonical(identity))));

/** JSON with the keys of every object in order. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) =>
    one !== null && typeof one === "object" && !Array.isArray(one)
      ? Object.fromEntries(Object.entries(one).sort(([a], [b]) => (a < b ? -1 : 1)))
      : one,
  );
}

/** What is kept for a run. A file that is damaged, or of another run, is as good as none: it is made again. */
export async function finishedRun(store: StudyStore, key: string): Promise<StudyRecord | undefined> {
  const found = await store.read(key);
  return isRecord(found) && found.key === key ? found : undefined;
}

export function memoryStore(): StudyStore {
  const kept = new Map<string, string>();
  return {
    name: "memory",
    async read(key) {
      const text = kept.get(key);
      return text === undefined ? undefined : (JSON.parse(text) as unknown);
    },
    async write(key, json) {
      kept.set(key, JSON.stringify(json));
    },
  };
}

/** Looks at all that the study computes with. */
function isRecord(value: unknown): value is StudyRecord {
  const record = value as StudyRecord | null | undefined;
  const isScore = (score: StudyRecord["measured"] | null | undefined) =>
    Number.isFinite(score?.value) && Number.isInteger(score?.samples);
  const { size } = record ?? {};
  return (
    typeof record?.key === "string" &&
    Array.isArray(record.recipe) &&
    Array.isArray(record.notes) &&
    isScore(record.measured) &&
    (record.heldOut === null || isScore(record.heldOut)) &&
    [size?.parameters, size?.nonZero, size?.bytes, size?.macs, size?.effectiveMacs].every((one) => Number.isFinite(one))
  );
}
