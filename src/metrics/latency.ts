// Latency: the models run in turn, A B A B, so that a slow drift of the machine (heat, other work) falls on all alike.

import { describeError } from "../base/errors.js";
import { warning } from "../base/note.js";
import { adaptFeeds } from "../engine/feeds.js";
import type { RuntimeSession } from "../engine/runtime.js";
import type { Feeds } from "../tensor/value.js";
import { defineMetric, type MetricContext, type Patch, type Subject } from "./metric.js";
import { median, quantile } from "./quantiles.js";
import { sessionBytes } from "./session-bytes.js";

const WARM_UP_RUNS = 3;
const MIN_RUNS = 7;
const MAX_RUNS = 300;

export const latency = defineMetric({
  name: "latency",
  summary: "milliseconds of one run of the first sample, models in turn; median and quartiles",
  unit: "ms",
  better: "lower",
  needs: "engine",
  value: (row) => row.latencyMs?.median ?? null,
  async measure(subjects, context) {
    const feeds = await context.firstFeeds();
    const bytes = subjects.map(sessionBytes);
    const together = bytes.reduce((sum, each) => sum + each, 0) <= context.memoryBudget;
    if (!together && subjects.length > 1) {
      context.note(
        warning(
          "latency-apart",
          "The models do not fit in memory together: each was timed on its own, so drift of the machine does not cancel.",
        ),
      );
    }
    const times = together ? await inTurn(subjects, feeds, context) : await apart(subjects, bytes, feeds, context);
    return times.map((own) => summarise(own, times[0]));
  },
});

/** Milliseconds of each timed run of each subject; undefined where it could not be run. */
type Times = readonly (readonly number[] | undefined)[];

async function inTurn(subjects: readonly Subject[], feeds: Feeds, context: MetricContext): Promise<Times> {
  const sessions: (RuntimeSession | undefined)[] = [];
  try {
    for (const subject of subjects) sessions.push(await opened(subject, context));
    const times = sessions.map((): number[] => []);
    const adapted = sessions.map((session) => (session ? adaptFeeds(feeds, session.inputs) : {}));
    for (const [index, session] of sessions.entries()) {
      if (session) await warmUp(session, adapted[index]!, context);
    }
    const budget = context.latencyBudgetMs * subjects.length;
    const start = context.now();
    // As many rounds as fill the budget: quartiles need a few, and thousands tell nothing more.
    for (let round = 0; round < (context.runs ?? MAX_RUNS); round++) {
      const spent = context.now() - start;
      if (context.runs === undefined && round >= MIN_RUNS && spent >= budget) break;
      const share = Math.min(round / (context.runs ?? MAX_RUNS), 1);
      const done = context.runs === undefined ? Math.max(share, Math.min(spent / budget, 1)) : share;
      context.onProgress?.({ task: "measure latency", done, total: 1 });
      for (const [index, session] of sessions.entries()) {
        context.signal?.throwIfAborted();
        if (session) times[index]?.push(await timed(session, adapted[index]!, context));
      }
    }
    return times.map((own) => (own.length > 0 ? own : undefined));
  } finally {
    for (const session of sessions) await session?.release();
  }
}

async function apart(
  subjects: readonly Subject[],
  bytes: readonly number[],
  feeds: Feeds,
  context: MetricContext,
): Promise<Times> {
  const times: (readonly number[] | undefined)[] = [];
  for (const [index, subject] of subjects.entries()) {
    if (bytes[index]! > context.memoryBudget) {
      context.note(
        warning("latency-not-measured", "The model does not fit in the memory that may be used.", subject.path),
      );
      times.push(undefined);
    } else times.push((await inTurn([subject], feeds, context))[0]);
  }
  return times;
}

async function opened(subject: Subject, context: MetricContext): Promise<RuntimeSession | undefined> {
  try {
    return await context.open(subject);
  } catch (error) {
    context.signal?.throwIfAborted();
    const text = `The runtime does not take the model: ${describeError(error)}`;
    context.note(warning("session-refused", text, subject.path));
    return undefined;
  }
}

async function warmUp(session: RuntimeSession, feeds: Feeds, context: MetricContext): Promise<void> {
  for (let run = 0; run < WARM_UP_RUNS; run++) {
    context.signal?.throwIfAborted();
    if ((await timed(session, feeds, context)) > context.latencyBudgetMs) return;
  }
}

async function timed(session: RuntimeSession, feeds: Feeds, { now }: MetricContext): Promise<number> {
  const start = now();
  await session.run(feeds);
  return now() - start;
}

export function summarise(own: readonly number[] | undefined, reference: readonly number[] | undefined): Patch {
  if (own === undefined) return { latencyMs: null, latencyRatio: null };
  const latencyMs = { median: median(own), q1: quantile(own, 0.25), q3: quantile(own, 0.75), runs: own.length };
  if (reference === undefined) return { latencyMs, latencyRatio: null };
  // The ratio of each round, not the ratio of the medians: what slows a round slows both of its runs.
  const ratios = own.flatMap((time, round) => (reference[round] ? [time / reference[round]] : []));
  return {
    latencyMs,
    latencyRatio: median(ratios),
    latencyRatioQuartiles: { q1: quantile(ratios, 0.25), q3: quantile(ratios, 0.75) },
  };
}
