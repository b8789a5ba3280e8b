// What the models give on the same samples: their fidelity to the reference and, where there are labels, their accuracy.
// One pass over the data serves both; nothing is kept of a sample once it is counted.

import { describeError, invalid } from "../base/errors.js";
import { warning } from "../base/note.js";
import type { Sample } from "../data/dataset.js";
import { classOutputs } from "../engine/classes.js";
import { type Verification, verifyModel } from "../engine/compare.js";
import { adaptFeeds } from "../engine/feeds.js";
import { type OutputFigures, type OutputTally, outputFigures } from "../engine/figures.js";
import type { RuntimeSession } from "../engine/runtime.js";
import type { Feeds, Value } from "../tensor/value.js";
import {
  type AccuracyMetric,
  type AccuracyResult,
  type AccuracyRun,
  accuracyMetric,
  labelledByClass,
  scoredOutput,
} from "./accuracy/index.js";
import type { MetricContext, Subject } from "./metric.js";
import { sessionBytes } from "./session-bytes.js";

export interface Behaviour {
  /** Undefined for the reference, and where it could not be measured (a note says why). */
  readonly fidelity?: {
    readonly verified: "full" | "segments" | "no";
    readonly samples: number;
    readonly outputs: readonly OutputFigures[];
  };
  readonly accuracy?: { readonly metric: AccuracyMetric; readonly result: AccuracyResult };
}

const kept = new WeakMap<MetricContext, Promise<readonly Behaviour[]>>();

/** One entry for each subject. Made once for a context: two metrics read it. */
export function behaviours(subjects: readonly Subject[], context: MetricContext): Promise<readonly Behaviour[]> {
  const made = kept.get(context) ?? observeAll(subjects, context);
  kept.set(context, made);
  return made;
}

async function observeAll(subjects: readonly Subject[], context: MetricContext): Promise<readonly Behaviour[]> {
  const need = subjects.map(sessionBytes);
  const total = need.reduce((sum, each) => sum + each, 0);
  if (total <= context.memoryBudget || subjects.length <= 2) return observeGroup(subjects, need, context);
  // Pairs: the reference runs again for each of the others, but never more than two models are in memory.
  const all: Behaviour[] = [];
  for (let index = 1; index < subjects.length; index++) {
    const pair = [subjects[0]!, subjects[index]!];
    const [reference, other] = await observeGroup(pair, [need[0]!, need[index]!], context);
    if (index === 1) all.push(reference!);
    all.push(other!);
  }
  return all;
}

async function observeGroup(
  subjects: readonly Subject[],
  need: readonly number[],
  context: MetricContext,
): Promise<readonly Behaviour[]> {
  if (need.reduce((sum, each) => sum + each, 0) > context.memoryBudget) return inSegments(subjects, context);
  const open: Observed[] = [];
  try {
    for (const subject of subjects) open.push(new Observed(subject, await opened(subject, context)));
    const [reference, ...others] = open;
    if (reference?.session === undefined) return subjects.map(() => ({}));
    if (!context.data.labelled && others.length === 0) return [{}];
    for (const other of others) other.compareWith(reference.session, context);
    await runAll(reference, others, context);
    return open.map((each) => each.result());
  } finally {
    for (const { session } of open) await session?.release();
  }
}

async function runAll(reference: Observed, others: readonly Observed[], context: MetricContext): Promise<void> {
  const { data, limit, signal } = context;
  const total = Math.min(limit ?? Number.POSITIVE_INFINITY, data.size ?? limit ?? 0);
  let done = 0;
  let metric: AccuracyMetric | undefined;
  const classes = new Set(classOutputs(reference.subject.model));
  const options = { ...(limit === undefined ? {} : { limit }), ...(signal === undefined ? {} : { signal }) };
  for await (const sample of data.samples(options)) {
    signal?.throwIfAborted();
    context.onProgress?.({ task: "compare outputs", done, total });
    done++;
    const expected = await reference.run(sample.feeds);
    if (done === 1 && data.labelled) {
      metric = accuracyMetric(data.metric, expected, sample);
      for (const each of [reference, ...others]) each.score(metric);
      const scored = scoredOutput(expected);
      if (scored !== undefined && labelledByClass(data.metric, sample)) classes.add(scored);
    }
    reference.add(expected, sample);
    for (const other of others) {
      if (!other.alive) continue;
      try {
        const found = await other.run(sample.feeds);
        other.compare(expected, found, classes);
        other.add(found, sample);
      } catch (error) {
        signal?.throwIfAborted();
        context.note(
          warning("not-compared", `It does not behave as the reference: ${describeError(error)}`, other.subject.path),
        );
        other.alive = false;
      }
    }
  }
  if (done === 0) throw invalid("data-empty", `There is no sample to measure on in ${data.name}.`);
}

async function opened(subject: Subject, context: MetricContext): Promise<RuntimeSession | undefined> {
  try {
    return await context.open(subject);
  } catch (error) {
    context.signal?.throwIfAborted();
    context.note(
      warning("session-refused", `The runtime does not take the model: ${describeError(error)}`, subject.path),
    );
    return undefined;
  }
}

/** One model while the samples pass. */
class Observed {
  alive: boolean;
  #names: readonly string[] | undefined;
  readonly #tallies = new Map<string, OutputTally>();
  #samples = 0;
  #metric: AccuracyMetric | undefined;
  #run: AccuracyRun | undefined;

  constructor(
    readonly subject: Subject,
    readonly session: RuntimeSession | undefined,
  ) {
    this.alive = session !== undefined;
  }

  run(feeds: Feeds): Promise<Record<string, Value>> {
    return this.session!.run(adaptFeeds(feeds, this.session!.inputs), this.#names);
  }

  compareWith(reference: RuntimeSession, context: MetricContext): void {
    if (this.session === undefined) return;
    const own = new Set(this.session.outputs.map(({ name }) => name));
    const missing = reference.outputs.filter(({ name }) => !own.has(name)).map(({ name }) => name);
    if (missing.length > 0) {
      context.note(
        warning("not-compared", `It lacks outputs of the reference: ${missing.join(", ")}.`, this.subject.path),
      );
      this.alive = false;
    }
    this.#names = reference.outputs.filter(({ dtype }) => dtype !== undefined).map(({ name }) => name);
  }

  compare(
    expected: Readonly<Record<string, Value>>,
    found: Readonly<Record<string, Value>>,
    classes: ReadonlySet<string>,
  ): void {
    for (const name of this.#names ?? []) {
      const [value, other] = [expected[name], found[name]];
      if (value === undefined || other === undefined) continue;
      if (value.dims.join() !== other.dims.join()) {
        throw invalid("compare-shape", `Output "${name}" has another shape.`, {
          node: name,
          expected: `[${value.dims}]`,
          found: `[${other.dims}]`,
        });
      }
      const tally = this.#tallies.get(name) ?? outputFigures(name, classes.has(name));
      this.#tallies.set(name, tally);
      tally.add(value, other);
    }
    this.#samples++;
  }

  score(metric: AccuracyMetric | undefined): void {
    this.#metric = metric;
    this.#run = metric?.start();
  }

  add(outputs: Readonly<Record<string, Value>>, sample: Sample): void {
    if (sample.label !== undefined) this.#run?.add(outputs, sample);
  }

  result(): Behaviour {
    if (!this.alive) return {};
    const outputs = [...this.#tallies.values()].map((tally) => tally.figures());
    return {
      ...(outputs.length > 0 ? { fidelity: { verified: "full", samples: this.#samples, outputs } } : {}),
      ...(this.#metric && this.#run ? { accuracy: { metric: this.#metric, result: this.#run.result() } } : {}),
    };
  }
}

/** A model too large for the memory runs piece by piece: fidelity on a few samples, and no accuracy. */
const SEGMENT_SAMPLES = 8;

async function inSegments(subjects: readonly Subject[], context: MetricContext): Promise<readonly Behaviour[]> {
  const [reference, ...others] = subjects;
  const found: Behaviour[] = [{}];
  if (context.data.labelled) {
    const text = "Accuracy is not measured: the models do not fit in the memory that may be used.";
    context.note(warning("accuracy-not-measured", text));
  }
  const classes = await classesOf(reference!, context);
  for (const other of others) {
    const { verified, samples, outputs, reason } = await verifiedLarge(reference!, other, classes, context);
    if (reason !== undefined) context.note(warning("verified-apart", `Verified ${verified}: ${reason}.`, other.path));
    found.push(verified === "no" ? {} : { fidelity: { verified, samples, outputs } });
  }
  return found;
}

/** In a process of its own where both stand in files: the runtime's memory is given back whole, and only it can run out. */
async function verifiedLarge(
  reference: Subject,
  other: Subject,
  classes: readonly string[],
  context: MetricContext,
): Promise<Verification> {
  const limit = Math.min(context.limit ?? SEGMENT_SAMPLES, SEGMENT_SAMPLES);
  const [first, second] = [(await reference.file()).path, (await other.file()).path];
  const { session, memoryBudget: memory, signal } = context;
  if (context.verifyApart && first !== undefined && second !== undefined) {
    const feeds: Feeds[] = [];
    for await (const one of feedsOf(context, limit)) feeds.push(one);
    const threads = session.threads ?? context.threads;
    return context.verifyApart({ reference: first, result: second, feeds, memory, threads, classes }, signal);
  }
  const options = { limit, classes, reference: { ...session, path: first }, result: { ...session, path: second } };
  return verifyModel(reference.model, other.model, feedsOf(context, limit), { ...context, memory }, options);
}

/** As for models that run whole, from what the file states of its outputs. */
async function classesOf({ model }: Subject, { data }: MetricContext): Promise<readonly string[]> {
  const classes = new Set(classOutputs(model));
  if (!data.labelled) return [...classes];
  const types = model.graph.outputs.flatMap(({ name, type }) =>
    type?.kind === "tensor" && type.dtype !== undefined ? [[name, { dtype: type.dtype }] as const] : [],
  );
  const scored = scoredOutput(Object.fromEntries(types));
  for await (const sample of data.samples({ limit: 1 })) {
    if (scored !== undefined && labelledByClass(data.metric, sample)) classes.add(scored);
  }
  return [...classes];
}

async function* feedsOf({ data }: MetricContext, limit: number): AsyncIterable<Feeds> {
  for await (const { feeds } of data.samples({ limit })) yield feeds;
}
