// Statistics of channels against their definition.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stepContext } from "../../tests/support/step-context.js";
import type { PareError } from "../base/errors.js";
import { graphBuilder } from "../ir/build.js";
import type { Feeds } from "../tensor/value.js";
import { channelStatistics } from "./channel-statistics.js";

/** y = x + x; and its float16 form, all of shape [a, b, c]. */
function doubled(opset: number) {
  const g = graphBuilder();
  g.input("x", "float32", ["a", "b", 3]);
  g.node("Add", ["x", "x"], { outputs: ["y"] });
  g.node("Cast", ["y"], { outputs: ["half"], attributes: { to: 10 } });
  g.node("Shape", ["y"], { outputs: ["shape"] });
  g.output("half", "float16", ["a", "b", 3]);
  g.output("shape", "int64", [3]);
  return g.model({ opset });
}

const feed = (dims: number[], values: number[]): Feeds => ({
  x: { dtype: "float32", dims, data: Float32Array.from(values) },
});

const sample = fc
  .tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 3 }))
  .chain(([a, b]) =>
    fc
      .array(fc.integer({ min: -99, max: 99 }), { minLength: a * b * 3, maxLength: a * b * 3 })
      .map((values) => ({ dims: [a, b, 3], values })),
  );

describe("channelStatistics", () => {
  test.each([13, 21])("is what the definition says, whatever the shapes (opset %i)", async (opset) => {
    const model = doubled(opset);
    await fc.assert(
      fc.asyncProperty(fc.array(sample, { minLength: 1, maxLength: 4 }), async (samples) => {
        const context = stepContext(samples.map(({ dims, values }) => feed(dims, values)));
        const found = await channelStatistics(
          model,
          [
            { name: "y", axis: -1 },
            { name: "half", axis: 2 },
          ],
          context,
        );
        for (const name of ["y", "half"]) {
          const statistics = found.get(name)!;
          for (let channel = 0; channel < 3; channel++) {
            const all = samples.flatMap(({ values }) => values.filter((_, i) => i % 3 === channel).map((v) => 2 * v));
            expect(statistics.count).toBe(all.length);
            const mean = (numbers: number[]) =>
              numbers.reduce((sum, one) => sum + one, 0) / Math.max(numbers.length, 1);
            expect(statistics.min[channel]).toBe(all.length === 0 ? 0 : Math.min(...all));
            expect(statistics.max[channel]).toBe(all.length === 0 ? 0 : Math.max(...all));
            expect(statistics.absmax[channel]).toBe(Math.max(0, ...all.map(Math.abs)));
            expect(statistics.mean[channel]).toBeCloseTo(mean(all), 3);
            expect(statistics.meanSquare[channel]! / 1e4).toBeCloseTo(mean(all.map((v) => v * v)) / 1e4, 5);
          }
        }
      }),
      { numRuns: 15 },
    );
  });

  test("only the first samples are run", async () => {
    const feeds = [1, 5, 100].map((value) => feed([1, 1, 3], [value, 0, 0]));
    const found = await channelStatistics(doubled(21), [{ name: "x", axis: -1 }], stepContext(feeds), { samples: 2 });
    expect(found.get("x")!.max[0]).toBe(5);
  });

  test.each([
    ["an unknown value", "nothing", 0],
    ["integers", "shape", 0],
    ["an axis that is not there", "y", 3],
  ])("%s: refused by name", async (_, name, axis) => {
    const promise = channelStatistics(doubled(21), [{ name, axis }], stepContext([feed([1, 1, 3], [1, 2, 3])]));
    await expect(promise).rejects.toMatchObject({ code: "calibration-value", node: name });
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "%d is refused, by value and sample",
    async (odd) => {
      const context = stepContext([feed([1, 1, 3], [1, 2, 3]), feed([1, 1, 3], [1, odd, 3])]);
      const error: PareError = await channelStatistics(doubled(21), [{ name: "y", axis: -1 }], context).catch((e) => e);
      expect(error).toMatchObject({ code: "calibration-not-finite", node: "y", found: "NaN or infinity in sample 1" });
    },
  );

  test("no sample: an error, not numbers of nothing", async () => {
    const promise = channelStatistics(doubled(21), [{ name: "y", axis: 0 }], stepContext([]));
    await expect(promise).rejects.toMatchObject({ code: "calibration-empty" });
  });
});
