// Load time and peak memory: of a fresh process that opens the model and runs it. Where no process can be started (the
// page), the load time is that of a session made here, and the memory is not known.

import { warning } from "../base/note.js";
import { defineMetric, type MetricContext, type Patch, type Serving, type Subject } from "./metric.js";
import { median } from "./quantiles.js";

/** Load times spread by a tenth or so: a few are taken, in turn, while that costs little. */
const REPEATS = 3;
const REPEAT_BELOW_MS = 1500;

export const loadTime = defineMetric({
  name: "load",
  summary: "milliseconds to make the session, in a fresh process",
  unit: "ms",
  better: "lower",
  needs: "engine",
  value: (row) => row.loadMs,
  measure: async (subjects, context) =>
    (await servings(subjects, context)).map((own) => ({ loadMs: own === undefined ? null : own.loadMs })),
});

export const memory = defineMetric({
  name: "memory",
  summary: "peak resident bytes of a process that serves the model",
  unit: "bytes",
  better: "lower",
  needs: "engine",
  value: (row) => row.memory?.peakBytes ?? null,
  measure: async (subjects, context) =>
    (await servings(subjects, context)).map((own): Patch => {
      if (own?.peak === undefined) return { memory: null };
      return { memory: own.peak };
    }),
});

interface Observed {
  readonly loadMs: number;
  readonly peak?: Omit<Serving, "loadMs">;
}

/** Two metrics read the same processes. */
const kept = new WeakMap<MetricContext, Promise<readonly (Observed | undefined)[]>>();

function servings(subjects: readonly Subject[], context: MetricContext): Promise<readonly (Observed | undefined)[]> {
  const made = kept.get(context) ?? serveAll(subjects, context);
  kept.set(context, made);
  return made;
}

async function serveAll(
  subjects: readonly Subject[],
  context: MetricContext,
): Promise<readonly (Observed | undefined)[]> {
  const observed: Observed[][] = subjects.map(() => []);
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    for (const [index, subject] of subjects.entries()) {
      context.signal?.throwIfAborted();
      context.onProgress?.({
        task: "measure load and memory",
        done: repeat * subjects.length + index,
        total: REPEATS * subjects.length,
      });
      if (repeat > 0 && !((observed[index]?.[0]?.loadMs ?? Infinity) < REPEAT_BELOW_MS)) continue;
      const own = await serveOnce(subject, context);
      if (own) observed[index]?.push(own);
    }
  }
  return observed.map((own) => {
    if (own.length === 0) return undefined;
    const loadMs = median(own.map((each) => each.loadMs));
    const peaks = own.flatMap((each) => (each.peak ? [each.peak] : []));
    if (peaks.length === 0) return { loadMs };
    const middle = (key: keyof Omit<Serving, "loadMs">) => Math.round(median(peaks.map((each) => each[key])));
    return {
      loadMs,
      peak: { baseBytes: middle("baseBytes"), peakLoadBytes: middle("peakLoadBytes"), peakBytes: middle("peakBytes") },
    };
  });
}

async function serveOnce(subject: Subject, context: MetricContext): Promise<Observed | undefined> {
  try {
    const { path } = await subject.file();
    if (path !== undefined) {
      const served = await context.serve(path, await context.firstFeeds(), context.session);
      if (served) {
        const { loadMs, ...peak } = served;
        return { loadMs, peak };
      }
    }
    const start = context.now();
    const session = await context.open(subject);
    const loadMs = context.now() - start;
    await session.release();
    return { loadMs };
  } catch (error) {
    context.signal?.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    context.note(warning("not-served", `Load time and memory are not known: ${text}`, subject.path));
    return undefined;
  }
}
