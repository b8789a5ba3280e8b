// Top-1 of a model on a part of a dataset, many samples a run.

import { adaptFeeds } from "../../../src/engine/feeds.js";
import { type EngineServices, withSession } from "../../../src/engine/session.js";
import type { Dataset, Model, Sample } from "../../../src/index.js";
import { joinFeeds } from "../../../src/train/collate.js";

const TOGETHER = 100;

export function accuracy(model: Model, data: Dataset, services: EngineServices): Promise<number> {
  return withSession(model, services, {}, async (session) => {
    let right = 0;
    let all = 0;
    const score = async (samples: readonly Sample[]) => {
      const found = await session.run(adaptFeeds(joinFeeds(samples), session.inputs));
      const { data: values, dims } = Object.values(found)[0]!;
      const classes = dims.at(-1)!;
      samples.forEach(({ label }, row) => {
        const own = (values as Float32Array).subarray(row * classes, (row + 1) * classes);
        if (own.indexOf(Math.max(...own)) === label) right++;
        all++;
      });
    };
    let waiting: Sample[] = [];
    for await (const sample of data.samples()) {
      waiting.push(sample);
      if (waiting.length < TOGETHER) continue;
      await score(waiting);
      waiting = [];
    }
    if (waiting.length > 0) await score(waiting);
    return right / all;
  });
}
