import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeValue } from "./cast.js";
import type { Dataset, Split } from "./dataset.js";
import { feeder, type InputRules } from "./inputs.js";
import type { IndexedRows, ModelInput, Row, StreamedRows } from "./reader.js";
import { part } from "./rows.js";

const row = (index: number): Row => ({
  id: String(index),
  fields: { x: makeValue("float32", [1, 2], [index, -index]) },
  label: index,
});
const counted = (size: number): IndexedRows => ({ size, labelled: true, read: async (index) => row(index) });
const inputs: readonly ModelInput[] = [{ name: "x", dtype: "float32", shape: ["batch", 2] }];
const never = (_part: Split): Dataset => {
  throw new Error("not asked for");
};
const shares = (rows: IndexedRows | StreamedRows, begin: number, end: number, seed: number, count?: number) => {
  const fed = feeder(inputs, {}, rows, row(0));
  return part({ name: "test", rows, feeder: fed, seed, count, metric: undefined }, begin, end, { split: never });
};
const ids = async (dataset: Dataset, limit?: number) => {
  const found: string[] = [];
  for await (const { id } of dataset.samples(limit === undefined ? {} : { limit })) found.push(id);
  return found;
};

describe("order and parts", () => {
  it("parts do not overlap and together are all, for any seed", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 10, max: 200 }), fc.nat(), async (size, seed) => {
        const rows = counted(size);
        const found = await Promise.all([
          ids(shares(rows, 0, 0.2, seed)),
          ids(shares(rows, 0.2, 0.5, seed)),
          ids(shares(rows, 0.5, 1, seed)),
        ]);
        expect(found.flat().sort()).toEqual(Array.from({ length: size }, (_, i) => String(i)).sort());
      }),
      { numRuns: 50 },
    );
  });

  it("is the same at every call, another for another seed, and a limit is its beginning", async () => {
    const first = await ids(shares(counted(50), 0, 1, 7));
    const dataset = shares(counted(50), 0, 1, 7);
    expect(await ids(dataset)).toEqual(first);
    expect(await ids(dataset)).toEqual(first);
    expect(await ids(dataset, 5)).toEqual(first.slice(0, 5));
    expect(await ids(shares(counted(50), 0, 1, 8))).not.toEqual(first);
    expect(await ids(shares(counted(50), 0, 1, 7, 12))).toEqual(first.slice(0, 12));
  });

  it("deals a stream out by the names of its rows", async () => {
    const rows: StreamedRows = {
      labelled: true,
      async *stream() {
        for (let i = 0; i < 1000; i++) yield row(i);
      },
    };
    const found = await Promise.all([ids(shares(rows, 0, 0.3, 1)), ids(shares(rows, 0.3, 1, 1))]);
    expect(new Set(found.flat()).size).toBe(1000);
    expect(found.flat().length).toBe(1000);
    expect(found[0]!.length).toBeGreaterThan(240);
    expect(found[0]!.length).toBeLessThan(360);
  });

  it("says when a part is empty, and stops when it is told to", async () => {
    await expect(ids(shares(counted(2), 0, 0.2, 0))).rejects.toMatchObject({ code: "data-part-empty" });
    const stop = AbortSignal.abort(new Error("stop"));
    const all = shares(counted(5), 0, 1, 0).samples({ signal: stop });
    await expect(all[Symbol.asyncIterator]().next()).rejects.toThrow("stop");
  });
});

describe("feeds", () => {
  const feed = (shape: ModelInput["shape"], rules: InputRules = {}, more: readonly ModelInput[] = []) => {
    const all = [{ name: "x", dtype: "float32" as const, shape }, ...more];
    return feeder(all, rules, counted(10), row(0));
  };

  it("groups rows where the model fixes its batch", () => {
    const fed = feed([3, 2]);
    expect(fed.batch).toBe(3);
    const sample = fed.sample([row(1), row(2), row(3)]);
    expect(sample).toMatchObject({ id: "1,2,3", label: [1, 2, 3] });
    expect(sample.feeds.x!.dims).toEqual([3, 2]);
    expect(Array.from(sample.feeds.x!.data as Float32Array)).toEqual([1, -1, 2, -2, 3, -3]);
  });

  it("adds and drops dimensions of 1, and refuses other shapes", () => {
    expect(feed([1, 1, 1, 2]).sample([row(1)]).feeds.x!.dims).toEqual([1, 1, 1, 2]);
    expect(feed([2]).sample([row(1)]).feeds.x!.dims).toEqual([2]);
    expect(feed([null, 1, "n"]).sample([row(1)]).feeds.x!.dims).toEqual([1, 1, 2]);
    expect(() => feed(["b", 3]).sample([row(1)])).toThrow("does not have the shape");
  });

  it("fills constants, free dimensions as in the other inputs", () => {
    const state = { name: "state", dtype: "float16" as const, shape: [2, "batch", "n"] };
    const fed = feed(["batch", "n"], { state: { constant: 1 } }, [state]);
    expect(fed.sample([row(4)]).feeds.state).toEqual({
      dtype: "float16",
      dims: [2, 1, 2],
      data: new Uint16Array([0x3c00, 0x3c00, 0x3c00, 0x3c00]),
    });
  });

  it("gives an exported decoder an empty cache", () => {
    const more = [
      { name: "past_key_values.0.key", dtype: "float32" as const, shape: ["batch", 4, "past_sequence_length", 8] },
      { name: "use_cache_branch", dtype: "bool" as const, shape: [1] },
    ];
    const { feeds } = feed(["batch", "n"], {}, more).sample([row(1)]);
    expect(feeds["past_key_values.0.key"]).toMatchObject({ dims: [1, 4, 0, 8], data: new Float32Array(0) });
    expect(feeds.use_cache_branch).toMatchObject({ dtype: "bool", data: new Uint8Array(1) });
  });

  it("names an input that nothing is for, and one that does not exist", () => {
    const other = [{ name: "mask", dtype: "int64" as const, shape: ["b"] }];
    expect(() => feed(["b", 2], {}, other)).toThrow('nothing for the model\'s input "mask"');
    expect(() => feed(["b", 2], { y: { constant: 0 } })).toThrow('the input "y"');
    expect(() => feed(["b", 2], { x: { from: "pixels" } })).toThrow('no field "pixels"');
  });
});
