// What a metric is: a function over all the models at once (so that they can be run in turn), the reference first.

import type { ByteSource } from "../base/bytes.js";
import type { Note } from "../base/note.js";
import type { Method } from "../base/registry.js";
import type { Dataset } from "../data/dataset.js";
import type { Verification } from "../engine/compare.js";
import type { RuntimeSession, SessionOptions } from "../engine/runtime.js";
import type { EngineServices } from "../engine/session.js";
import type { VerifyRequest } from "../engine/verify-files.js";
import type { Model } from "../ir/model.js";
import type { Feeds } from "../tensor/value.js";
import type { ModelReport } from "./report.js";

/** A model under measurement. */
export interface Subject {
  /** As the report names it. */
  readonly path: string;
  readonly model: Model;
  /** Of its file and external data, also of one that is not written yet. */
  readonly bytes: number;
  /** Its file; a model that was only made in memory is written to a temporary one when this is first called. */
  file(): Promise<SubjectFile>;
}

export interface SubjectFile {
  /** The model file and its external data files. */
  readonly sources: readonly ByteSource[];
  /** Where a process or the runtime can open it; undefined in the page, and for what came by URL. */
  readonly path: string | undefined;
}

/** What one fresh process that serves a model tells; as `Platform.serve`. */
export interface Serving {
  readonly loadMs: number;
  readonly peakLoadBytes: number;
  readonly peakBytes: number;
  readonly baseBytes: number;
}

export interface MetricContext extends EngineServices {
  readonly data: Dataset;
  readonly dims: Readonly<Record<string, number | readonly number[]>>;
  readonly session: SessionOptions;
  /** Timed runs of each model; undefined: as many as the time budget holds. */
  readonly runs: number | undefined;
  /** Milliseconds for the timed runs of each model. */
  readonly latencyBudgetMs: number;
  /** Samples for fidelity and accuracy at most. */
  readonly limit: number | undefined;
  /** Bytes that sessions may take together. */
  readonly memoryBudget: number;
  now(): number;
  compressedSize(kind: "gzip" | "brotli", pieces: AsyncIterable<Uint8Array>): Promise<number | undefined>;
  serve(path: string, feeds: Feeds, options?: SessionOptions): Promise<Serving | undefined>;
  open(subject: Subject): Promise<RuntimeSession>;
  /** Compares two files in a process of its own; undefined where there is none (the page) or its engine is another. */
  readonly verifyApart: ((request: VerifyRequest, signal?: AbortSignal) => Promise<Verification>) | undefined;
  /** The inputs of the first sample: what latency, memory and shapes are measured with. */
  firstFeeds(): Promise<Feeds>;
  note(note: Note): void;
}

/** The part of a model's row that one metric fills. */
export type Patch = { -readonly [Key in keyof ModelReport]?: ModelReport[Key] | undefined };

export interface Metric extends Method {
  readonly unit: "bytes" | "count" | "ms" | "ratio" | "dB" | "score";
  readonly better: "lower" | "higher";
  /** What must be there: the files, the weights' bytes, an engine, labels. */
  readonly needs: "files" | "weights" | "engine" | "labels";
  /** The number that stands for it in tables, or null. */
  value(row: ModelReport): number | null;
  /** One patch for each subject, in order. What cannot be measured is null in the patch, with a note that says why. */
  measure(subjects: readonly Subject[], context: MetricContext): Promise<readonly Patch[]>;
}

export const defineMetric = (metric: Metric): Metric => Object.freeze(metric);
