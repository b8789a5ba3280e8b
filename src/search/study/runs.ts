// Makes the runs of a plan: those that are kept already are taken, the others made, several at a time; what fails is told
// and the others go on.

import type { Context } from "../../base/context.js";
import { describeError, PareError } from "../../base/errors.js";
import type { StudyRecord, StudyRun } from "../../metrics/study-report.js";
import type { StudyJob } from "./grid.js";
import { finishedRun, type StudyStore } from "./store.js";

/** A run that is to be made, under the name that it is kept by. */
export interface PlannedRun extends StudyJob {
  readonly key: string;
}

export interface RunEvent {
  readonly run: StudyRun;
  /** Whether it was there already. */
  readonly kept: boolean;
  /** Runs that are finished or failed, and all. */
  readonly done: number;
  readonly total: number;
  /** Until all are made, from the mean of those made here; undefined before the first. */
  readonly secondsLeft: number | undefined;
}

export interface RunsContext extends Pick<Context, "signal" | "onProgress"> {
  readonly store: StudyStore;
  /** Runs at a time, at least 1. */
  readonly jobs: number;
  /** Milliseconds, monotonic. */
  now(): number;
  /** Makes one run. What it throws is told of this run alone, unless the signal was given. */
  make(run: PlannedRun): Promise<StudyRecord>;
  readonly onRun?: ((event: RunEvent) => void) | undefined;
}

/**
 * All runs in the order of the plan, whatever order they end in. A record is written before its run is told of, so that a
 * stop at any moment loses no more than what is being made. Throws the signal's reason, and what the store throws.
 */
export async function makeRuns(plan: readonly PlannedRun[], context: RunsContext): Promise<readonly StudyRun[]> {
  const { store, signal, onProgress, onRun } = context;
  const runs = new Array<StudyRun | undefined>(plan.length);
  const waiting: number[] = [];
  let done = 0;
  for (const [index, planned] of plan.entries()) {
    signal?.throwIfAborted();
    const record = await finishedRun(store, planned.key);
    if (record === undefined) waiting.push(index);
    else tell(index, { ...planned, record }, true);
  }
  const toMake = waiting.length;
  const begun = context.now();
  let made = 0;
  onProgress?.({ task: "study", done: 0, total: toMake });

  function tell(index: number, run: StudyRun, kept: boolean): void {
    runs[index] = run;
    done++;
    const left = kept || made === 0 ? undefined : ((context.now() - begun) / 1000 / made) * (toMake - made);
    onRun?.({ run, kept, done, total: plan.length, secondsLeft: left });
  }

  let stopped: unknown;
  const work = async () => {
    for (let index = waiting.shift(); index !== undefined && stopped === undefined; index = waiting.shift()) {
      const planned = plan[index]!;
      const run = await attempt(planned, context);
      if (run.record) await store.write(planned.key, run.record);
      made++;
      tell(index, run, false);
      onProgress?.({ task: "study", done: made, total: toMake });
    }
  };
  const workers = Array.from({ length: Math.min(Math.max(context.jobs, 1), toMake) }, () =>
    work().catch((error: unknown) => {
      stopped ??= error;
    }),
  );
  // All end before anything is thrown: nothing goes on behind the caller's back.
  await Promise.all(workers);
  if (stopped !== undefined) throw stopped;
  return runs as readonly StudyRun[];
}

async function attempt(planned: PlannedRun, { make, signal }: RunsContext): Promise<StudyRun> {
  signal?.throwIfAborted();
  try {
    return { ...planned, record: await make(planned) };
  } catch (error) {
    signal?.throwIfAborted();
    const code = error instanceof PareError ? error.code : "internal";
    return { ...planned, error: { code, message: describeError(error) } };
  }
}
