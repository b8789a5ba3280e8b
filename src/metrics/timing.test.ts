import { expect, test } from "vitest";
import type { Note } from "../base/note.js";
import type { RuntimeSession } from "../engine/runtime.js";
import { graphBuilder } from "../ir/build.js";
import { differenceOf } from "./difference.js";
import { latency, summarise } from "./latency.js";
import type { MetricContext, Subject } from "./metric.js";
import { median, quantile } from "./quantiles.js";
import { transfer } from "./transfer.js";

const model = (() => {
  const b = graphBuilder();
  b.input("x", "float32", [1]);
  b.node("Relu", ["x"], { outputs: ["y"] });
  b.output("y", "float32", [1]);
  return b.model();
})();

const subject = (path: string, bytes = 100): Subject => ({
  path,
  model,
  bytes,
  file: async () => ({
    sources: [{ name: path, size: bytes, read: async (_at, length) => new Uint8Array(length) }],
    path,
  }),
});

/** A machine whose clock only sessions move, so that nothing depends on the real one. */
function machine(costs: Readonly<Record<string, (now: number) => number>>, options: Partial<MetricContext> = {}) {
  let clock = 0;
  const ran: string[] = [];
  const notes: Note[] = [];
  const open = async ({ path }: Subject): Promise<RuntimeSession> => {
    if (costs[path] === undefined) throw new Error("no kernel");
    return {
      inputs: [],
      outputs: [],
      run: async () => {
        clock += costs[path]!(clock);
        ran.push(path);
        return {};
      },
      release: async () => {},
    };
  };
  const context = {
    runs: 20,
    latencyBudgetMs: 1000,
    memoryBudget: 1e9,
    now: () => clock,
    open,
    firstFeeds: async () => ({}),
    note: (note: Note) => notes.push(note),
    ...options,
  } as unknown as MetricContext;
  return { context, ran, notes };
}

test("quantiles are those of type 7", () => {
  expect([quantile([4, 1, 3, 2], 0.25), median([4, 1, 3, 2]), quantile([4, 1, 3, 2], 0.75)]).toEqual([1.75, 2.5, 3.25]);
  expect(median([7])).toBe(7);
});

test("the models run in turn, and a drift of the machine cancels in the ratio", async () => {
  // Everything becomes ten times slower on the way: medians of one model after the other would be far off.
  const slowing = (base: number) => (now: number) => base * (1 + now / 100);
  const { context, ran } = machine({ a: slowing(1), b: slowing(2) });
  const [a, b] = await latency.measure([subject("a"), subject("b")], context);
  expect(ran.slice(-6)).toEqual(["a", "b", "a", "b", "a", "b"]);
  expect(a?.latencyMs?.runs).toBe(20);
  expect(a?.latencyRatio).toBe(1);
  expect(b?.latencyRatio).toBeCloseTo(2, 1);
});

test("the number of runs follows the budget, within bounds", async () => {
  const slow = machine({ a: () => 900 }, { runs: undefined });
  expect((await latency.measure([subject("a")], slow.context))[0]?.latencyMs?.runs).toBe(7);
  const fast = machine({ a: () => 0.001 }, { runs: undefined });
  expect((await latency.measure([subject("a")], fast.context))[0]?.latencyMs?.runs).toBe(300);
});

test("a model that the runtime refuses is null, with the reason, and the others are measured", async () => {
  const { context, notes } = machine({ a: () => 1 });
  const [a, b] = await latency.measure([subject("a"), subject("b")], context);
  expect(a?.latencyMs?.median).toBe(1);
  expect(b).toEqual({ latencyMs: null, latencyRatio: null });
  expect(notes).toEqual([
    expect.objectContaining({ code: "session-refused", node: "b", text: expect.stringContaining("no kernel") }),
  ]);
});

test("models that do not fit together are timed apart, and that is said", async () => {
  const { context, ran, notes } = machine({ a: () => 1, b: () => 3 }, { memoryBudget: 300, runs: 3 });
  const [, b] = await latency.measure([subject("a"), subject("b")], context);
  expect(ran.join("")).toBe("aaaaaabbbbbb");
  expect(b?.latencyRatio).toBe(3);
  expect(notes.map(({ code }) => code)).toEqual(["latency-apart"]);
});

test("a ratio is that of the rounds, not of the medians", () => {
  const patch = summarise([2, 20, 200], [1, 10, 100]);
  expect(patch.latencyRatio).toBe(2);
  expect(patch.latencyRatioQuartiles).toEqual({ q1: 2, q3: 2 });
});

test("large files are sampled over their whole length and marked", async () => {
  const reads: { at: number; length: number }[] = [];
  const size = 1e9;
  const large: Subject = {
    ...subject("large", size),
    file: async () => ({
      sources: [
        { name: "model", size: 1000, read: async (_at, length) => new Uint8Array(length) },
        {
          name: "data",
          size: size - 1000,
          read: async (at, length) => {
            reads.push({ at, length });
            return new Uint8Array(length);
          },
        },
      ],
      path: undefined,
    }),
  };
  const { context } = machine(
    {},
    {
      // Half of everything that is given.
      compressedSize: async (kind, pieces) => {
        if (kind === "brotli") return undefined;
        let bytes = 0;
        for await (const piece of pieces) bytes += piece.byteLength;
        return bytes / 2;
      },
    },
  );
  const [row] = await transfer.measure([large], context);
  expect(row?.transfer).toEqual({ gzip: size / 2, brotli: null, estimated: true });
  expect(reads.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(70e6);
  expect(Math.min(...reads.map(({ at }) => at))).toBeLessThan(0.02 * size);
  expect(Math.max(...reads.map(({ at, length }) => at + length))).toBeGreaterThan(0.99 * size);
});

test("the difference of a mean is that of the samples; of a perplexity that of its documents", () => {
  const right = (n: number) => Array.from({ length: 100 }, (_, i) => Number(i < n));
  const top1 = differenceOf(
    { value: 0.8, samples: 100, perSample: right(80) },
    { value: 0.7, samples: 100, perSample: right(70) },
  );
  expect(top1?.value).toBeCloseTo(-0.1);
  expect(top1!.low).toBeLessThan(-0.1);
  expect(top1!.high).toBeLessThan(0);
  const likelihoods = (shift: number) => Array.from({ length: 50 }, (_, i) => 1 + (i % 5) / 10 + shift);
  const perplexity = (values: number[]) => Math.exp(values.reduce((a, b) => a + b, 0) / values.length);
  const [first, second] = [likelihoods(0), likelihoods(0.01)];
  const difference = differenceOf(
    { value: perplexity(first), samples: 500, perDocument: { loss: first, items: Array(50).fill(10) } },
    { value: perplexity(second), samples: 500, perDocument: { loss: second, items: Array(50).fill(10) } },
  );
  expect(difference?.value).toBeCloseTo(perplexity(second) - perplexity(first), 6);
  expect(difference?.samples).toBe(50);
  expect(differenceOf({ value: 1, samples: 3 }, { value: 1, samples: 3 })).toBeUndefined();
});
