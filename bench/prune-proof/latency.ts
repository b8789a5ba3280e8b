// Two models timed in turn in one process: wall time of a run, fully optimised sessions, the same inputs.

import { adaptFeeds } from "../../src/engine/feeds.js";
import type { RuntimeSession } from "../../src/engine/runtime.js";
import { openSession } from "../../src/engine/session.js";
import type { DatasetSpec, Model } from "../../src/index.js";
import { withServices } from "../../src/services.js";
import { joinFeeds } from "../../src/train/collate.js";
import { median } from "../measured.js";

export interface Latency {
  readonly batch: number;
  /** Medians, and the median of how many times faster in a round, with its quartiles. */
  readonly before: number;
  readonly after: number;
  readonly faster: number;
  readonly low: number;
  readonly high: number;
}

export function latency(
  before: Model,
  after: Model,
  data: DatasetSpec,
  batch: number,
  { threads, seconds }: { readonly threads: number; readonly seconds: number },
): Promise<Latency> {
  return withServices(before, { data, threads }, async (services) => {
    const samples = [];
    for await (const sample of services.data.split("measure").samples({ limit: batch })) samples.push(sample);
    const feeds = joinFeeds(samples);
    const sessions = [
      await openSession(before, services, { threads }),
      await openSession(after, services, { threads }),
    ];
    try {
      const once = async (session: RuntimeSession, times: number) => {
        const given = adaptFeeds(feeds, session.inputs);
        const begun = performance.now();
        for (let at = 0; at < times; at++) await session.run(given);
        return (performance.now() - begun) / times;
      };
      for (const session of sessions) await once(session, 5);
      // A round is at least about ten milliseconds, for the clock's sake.
      const times = Math.max(1, Math.min(50, Math.round(10 / (await once(sessions[0]!, 3)))));
      const rounds: [number, number][] = [];
      const until = performance.now() + seconds * 1000;
      while (rounds.length < 15 || (performance.now() < until && rounds.length < 500)) {
        rounds.push([await once(sessions[0]!, times), await once(sessions[1]!, times)]);
      }
      const ratios = rounds.map(([a, b]) => a / b).sort((a, b) => a - b);
      const at = (part: number) => ratios[Math.round((ratios.length - 1) * part)]!;
      const [first, second] = [rounds.map(([a]) => a), rounds.map(([, b]) => b)];
      return { batch, before: median(first), after: median(second), faster: at(0.5), low: at(0.25), high: at(0.75) };
    } finally {
      for (const session of sessions) await session.release();
    }
  });
}
