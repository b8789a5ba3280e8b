// measure: models beside each other on the same data, the reference first: size, speed, memory, fidelity, accuracy.

import { platform } from "#platform";
import { invalid } from "./base/errors.js";
import type { Note } from "./base/note.js";
import type { Dataset } from "./data/dataset.js";
import type { SessionOptions } from "./engine/runtime.js";
import { openSession } from "./engine/session.js";
import type { Model } from "./ir/model.js";
import { load } from "./load.js";
import { metrics } from "./metrics/index.js";
import { layerTransfer } from "./metrics/layer-transfer.js";
import { layerSizes } from "./metrics/layers.js";
import type { MetricContext, Patch } from "./metrics/metric.js";
import type { LayerSize, ModelReport, Report } from "./metrics/report.js";
import { type ServiceOptions, type Services, withServices } from "./services.js";
import { type OpenSubject, subjectOf } from "./subject.js";
import type { Feeds } from "./tensor/value.js";
import { version } from "./version.js";
import { reportForm, writeReport } from "./write-report.js";

export type { ModelReport, Report } from "./metrics/report.js";

export interface MeasureOptions extends ServiceOptions {
  /** Names of the metrics wanted; default all. What is left out is null. */
  readonly metrics?: readonly string[] | undefined;
  /** Timed runs of each model; default: as many as fit two seconds, 7 to 300. */
  readonly runs?: number | undefined;
  /** Milliseconds for the timed runs of each model; default 2000. */
  readonly latencyBudgetMs?: number | undefined;
  /** Samples for fidelity and accuracy; default: all labelled ones, 200 of unlabelled data. */
  readonly limit?: number | undefined;
  /** Writes the report as well, in the form that the extension asks for: .html, .md or .json. Not in the page. */
  readonly report?: string | undefined;
}

const LATENCY_BUDGET_MS = 2000;
const OPEN_BY_PATH = 128e6;
const UNLABELLED_LIMIT = 200;

/**
 * The first model is the reference. What cannot be measured is null, with a note that says why; the call fails only when
 * a model does not load, the data does not fit the reference, or it is stopped.
 */
export async function measure(inputs: readonly (string | Model)[], options: MeasureOptions = {}): Promise<Report> {
  if (inputs.length === 0) throw invalid("no-models", "There is no model to measure.");
  const wanted = options.metrics ? options.metrics.map((name) => metrics.get(name)) : metrics.list;
  if (options.report !== undefined) reportForm(options.report);
  const models: Model[] = [];
  for (const input of inputs) models.push(typeof input === "string" ? await load(input, options) : input);

  const report = await withServices(models[0]!, options, async (services) => {
    const notes: Note[] = [];
    const subjects: OpenSubject[] = [];
    for (const [index, model] of models.entries()) subjects.push(subjectOf(model, index, services));
    const context = metricContext(services, options, notes);
    try {
      const rows = subjects.map(({ path }) => blankRow(path));
      for (const metric of wanted) {
        services.signal?.throwIfAborted();
        const patches = await metric.measure(subjects, context);
        for (const [index, patch] of patches.entries()) Object.assign(rows[index]!, known(patch));
      }
      const feeds = wanted.some(({ needs }) => needs === "engine") ? await context.firstFeeds() : {};
      const layers = wanted.includes(metrics.get("transfer"))
        ? await layerTransfer(models, context)
        : layerSizes(models);
      return await finish(rows, layers, context, [...services.notes, ...notes], feeds);
    } finally {
      for (const subject of subjects) await subject.close();
    }
  });
  if (options.report !== undefined) await writeReport(report, options.report);
  return report;
}

function metricContext(services: Services, options: MeasureOptions, notes: Note[]): MetricContext {
  const session: SessionOptions = {
    ...(options.provider === undefined ? {} : { provider: options.provider }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
  };
  const data = services.data.split("measure");
  let first: Promise<Feeds> | undefined;
  const context: MetricContext = {
    ...services,
    data,
    session,
    runs: options.runs,
    latencyBudgetMs: options.latencyBudgetMs ?? LATENCY_BUDGET_MS,
    limit: options.limit ?? (data.labelled ? undefined : UNLABELLED_LIMIT),
    memoryBudget: services.memory ?? platform.freeMemory() / 2,
    now: platform.now,
    compressedSize: platform.compressedSize,
    serve: platform.serve,
    open: async (subject) => {
      // Only large models are opened by path: small ones need no file.
      const { path } = subject.bytes > OPEN_BY_PATH ? await subject.file() : {};
      return openSession(subject.model, context, { ...session, path });
    },
    // The process apart runs on the platform's usual engine.
    verifyApart: options.provider === undefined || options.provider === "cpu" ? platform.verifyApart : undefined,
    firstFeeds: () => {
      first ??= firstSample(data);
      return first;
    },
    note: (note) => notes.push(note),
  };
  return context;
}

async function firstSample(data: Dataset): Promise<Feeds> {
  for await (const { feeds } of data.samples({ limit: 1 })) return feeds;
  throw invalid("data-empty", `There is no sample to measure on in ${data.name}.`, {
    hint: "The part for measuring may be empty: name one in dataset.json, or give more data.",
  });
}

const blankRow = (path: string): ModelReport => ({
  path,
  bytes: 0,
  transfer: { gzip: null, brotli: null },
  parameters: null,
  nonZero: null,
  macs: null,
  loadMs: null,
  latencyMs: null,
  latencyRatio: null,
  fidelity: null,
  accuracy: null,
});

const known = (patch: Patch): Partial<ModelReport> =>
  Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));

async function finish(
  rows: readonly ModelReport[],
  layers: readonly LayerSize[],
  context: MetricContext,
  notes: readonly Note[],
  feeds: Feeds,
): Promise<Report> {
  const { data, session } = context;
  const runtime = await context.runtime();
  const samples = Math.max(0, ...rows.map((row) => row.fidelity?.samples ?? row.accuracy?.samples ?? 0));
  const shapes = Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, [...dims]]));
  return {
    pare: version,
    // The runtime that the models ran on, which may not be the platform's usual one.
    machine: { ...(await platform.machine()), runtime: `${runtime.name} ${runtime.version}` },
    seed: context.seed ?? 0,
    data: { name: data.name, synthetic: data.synthetic, labelled: data.labelled, samples },
    models: [...rows],
    settings: {
      provider: session.provider ?? runtime.provider,
      ...(session.threads === undefined ? {} : { threads: session.threads }),
      shapes,
    },
    layers: [...layers],
    notes: [...notes],
  };
}
