// Which samples of a part of a dataset a classifier gets right, and how sure the shares are.

import { adaptFeeds } from "../../src/engine/feeds.js";
import { withSession } from "../../src/engine/session.js";
import type { DatasetSpec, Model, Sample } from "../../src/index.js";
import { withServices } from "../../src/services.js";
import { joinFeeds } from "../../src/train/collate.js";

const TOGETHER = 100;

/** 1 for each sample of the measure part whose highest class is its label, as digits. */
export function right(model: Model, data: DatasetSpec, threads: number): Promise<string> {
  const [batch] = fixedBatch(model);
  const together = batch === 1 ? 1 : TOGETHER;
  return withServices(model, { data, threads }, (services) =>
    withSession(model, services, {}, async (session) => {
      let digits = "";
      const score = async (samples: readonly Sample[]) => {
        const found = await session.run(adaptFeeds(joinFeeds(samples), session.inputs));
        const { data: values, dims } = Object.values(found)[0]!;
        const classes = dims.at(-1)!;
        samples.forEach(({ label }, row) => {
          const own = (values as Float32Array).subarray(row * classes, (row + 1) * classes);
          digits += own.indexOf(Math.max(...own)) === label ? "1" : "0";
        });
      };
      let waiting: Sample[] = [];
      for await (const sample of services.data.split("measure").samples()) {
        waiting.push(sample);
        if (waiting.length < together) continue;
        await score(waiting);
        waiting = [];
      }
      if (waiting.length > 0) await score(waiting);
      return digits;
    }),
  );
}

/** The first dimension of the first input, where the file states one. */
function fixedBatch({ graph }: Model): readonly unknown[] {
  const [input] = graph.inputs.filter(({ name }) => !graph.initializers.has(name));
  return input?.type?.kind === "tensor" ? (input.type.shape ?? []) : [];
}

export interface Share {
  readonly share: number;
  readonly n: number;
}

export const shareOf = (digits: string): Share => ({ share: count(digits) / digits.length, n: digits.length });

const count = (digits: string) => [...digits].filter((digit) => digit === "1").length;

/** Half the width of Wilson's 95% interval. */
export function halfWidth({ share, n }: Share): number {
  const z = 1.96;
  return (z / (1 + (z * z) / n)) * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n));
}

/** After minus before on the same samples, with half the width of its 95% interval (paired, normal). */
export function paired(before: string, after: string): { readonly difference: number; readonly half: number } {
  const n = before.length;
  const apart = [...before].map((digit, at) => Number(after[at]) - Number(digit));
  const difference = apart.reduce((sum, x) => sum + x, 0) / n;
  const variance = apart.reduce((sum, x) => sum + (x - difference) ** 2, 0) / Math.max(1, n - 1);
  return { difference, half: 1.96 * Math.sqrt(variance / n) };
}
