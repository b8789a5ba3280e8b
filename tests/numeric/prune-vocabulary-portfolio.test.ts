// The vocabulary of a real text classifier: texts of tokens that stay are classified as before, number for number.

import { expect, test } from "vitest";
import { adaptFeeds } from "../../src/engine/feeds.js";
import { withSession } from "../../src/engine/session.js";
import { cutVocabulary } from "../../src/prune/vocabulary/cut-vocabulary.js";
import { withServices } from "../../src/services.js";
import { loadBytes } from "../support/engine.js";
import { portfolioModels } from "../support/portfolio.js";
import { keyOf, portfolioData } from "../support/portfolio-data.js";

const path = portfolioModels().find((one) => keyOf(one) === "agnews-transformer");

test.skipIf(path === undefined)("texts whose tokens all stay give the same logits", async () => {
  const model = await loadBytes(path!);
  await withServices(model, { data: portfolioData(path!)! }, async (services) => {
    const seen = new Set([1, 2]);
    const tokensOf = (feeds: object) => (feeds as { input_ids: { data: BigInt64Array } }).input_ids.data;
    for await (const { feeds } of services.data.split("train").samples({ limit: 1500 })) {
      for (const id of tokensOf(feeds)) seen.add(Number(id));
    }
    const cut = await cutVocabulary(model, { tokens: [...seen], unknown: 1 }, services);
    expect(cut.rows).toEqual({ before: 8000, after: seen.size });
    expect(cut.bytes.after).toBeLessThan(cut.bytes.before);
    let [whole, right, equal, other] = [0, 0, 0, 0];
    await withSession(model, services, { threads: 1 }, (before) =>
      withSession(cut.model, services, { threads: 1 }, async (after) => {
        for await (const { feeds, label } of services.data.split("measure").samples({ limit: 300 })) {
          const a = (await before.run(adaptFeeds(feeds, before.inputs))).logits!.data as Float32Array;
          const b = (await after.run(adaptFeeds(feeds, after.inputs))).logits!.data as Float32Array;
          const best = b.indexOf(Math.max(...b));
          if (best === label) right++;
          if (![...tokensOf(feeds)].every((id) => seen.has(Number(id)))) other++;
          else {
            whole++;
            if (a.every((x, at) => Object.is(x, b[at]))) equal++;
          }
        }
      }),
    );
    expect([whole > 50, other > 50, equal]).toEqual([true, true, whole]);
    expect(right / 300).toBeGreaterThan(0.8);
  });
});
