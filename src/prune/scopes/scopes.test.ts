// Each scope against its definition, and what all of them respect.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Model } from "../../ir/model.js";
import { scopes } from "./index.js";
import type { Goal, Item, ScopeContext } from "./scope.js";

const model = {} as Model;
const context: ScopeContext = { distance: async () => 0 };

const item = (scores: readonly number[], more: Partial<Item> = {}): Item => ({
  name: "w",
  cells: scores.length,
  most: scores.length,
  multiple: 1,
  elements: 1,
  bytes: 4,
  macs: 1,
  shape: { inputs: scores.length, outputs: 1, kernel: [] },
  scores: async () => Float32Array.from(scores),
  without: async () => model,
  ...more,
});

const choose = (name: string, items: readonly Item[], goal: Goal, options: object = {}, own = context) => {
  const scope = scopes.get(name);
  return scope.choose(items, goal, scope.options?.parse(options) ?? {}, own);
};
const elements = (share: number): Goal => ({ measure: "elements", share });

const drawn = fc.array(
  fc.record({
    scores: fc.array(fc.oneof(fc.integer({ min: 0, max: 4 }), fc.float({ min: 0, max: 9, noNaN: true })), {
      minLength: 1,
      maxLength: 60,
    }),
    multiple: fc.constantFrom(1, 1, 4, 8),
    spare: fc.integer({ min: 0, max: 3 }),
    ratio: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
    elements: fc.integer({ min: 1, max: 5 }),
  }),
  { minLength: 1, maxLength: 6 },
);

describe.each(scopes.names)("scope %s", (name) => {
  test("stays within what may go, keeps multiples, and takes fixed shares as they are", async () => {
    await fc.assert(
      fc.asyncProperty(drawn, fc.double({ min: 0.01, max: 0.99, noNaN: true }), async (rows, share) => {
        const items = rows.map(({ scores, multiple, spare, ratio, elements: weight }) =>
          item(scores, {
            multiple,
            ratio,
            elements: weight,
            most: Math.max(0, scores.length - Math.max(spare, multiple)),
          }),
        );
        const counts = await choose(name, items, elements(share));
        expect(counts).toHaveLength(items.length);
        for (const [at, count] of counts.entries()) {
          const { cells, most, multiple, ratio } = items[at]!;
          expect(Number.isInteger(count)).toBe(true);
          expect(count).toBeGreaterThanOrEqual(0);
          expect(count).toBeLessThanOrEqual(most);
          if (multiple > 1 && count > 0) expect((cells - count) % multiple).toBe(0);
          if (ratio !== undefined && multiple === 1) expect(count).toBe(Math.min(most, Math.round(ratio * cells)));
        }
      }),
      { numRuns: 60 },
    );
  });

  test("meets a goal that can be met, to half a cell of each", async () => {
    const items = [40, 100, 7].map((cells, at) =>
      item(
        Array.from({ length: cells }, (_, i) => ((i * 37 + at) % cells) / cells),
        { elements: at + 1 },
      ),
    );
    const counts = await choose(name, items, elements(0.6));
    const gone = counts.reduce((sum, count, at) => sum + count * items[at]!.elements, 0);
    expect(Math.abs(gone - 0.6 * (40 + 200 + 21))).toBeLessThanOrEqual(3);
  });

  test("takes nothing of nothing", async () => {
    expect(await choose(name, [], elements(0.5))).toEqual([]);
  });
});

test("uniform takes the same share of each", async () => {
  expect(await choose("uniform", [item([1, 2, 3, 4]), item([9, 8, 7, 6, 5, 4])], elements(0.5))).toEqual([2, 3]);
});

describe("global", () => {
  test("is sorting all scores together, ties by item and index", async () => {
    const lists = fc.array(fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 50 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(lists, fc.double({ min: 0.01, max: 0.99, noNaN: true }), async (all, share) => {
        const counts = await choose(
          "global",
          all.map((scores) => item(scores)),
          elements(share),
        );
        const sorted = all
          .flatMap((scores, at) => scores.map((score) => ({ at, score })))
          .sort((a, b) => a.score - b.score || a.at - b.at);
        const expected = all.map(() => 0);
        for (const { at } of sorted.slice(0, Math.round(share * sorted.length))) expected[at]!++;
        expect(counts).toEqual(expected);
      }),
    );
  });

  test("what one may not give, the others give", async () => {
    const items = [item([1, 1, 1, 1], { most: 1 }), item([5, 6, 7, 8])];
    expect(await choose("global", items, elements(0.5))).toEqual([1, 3]);
  });

  test("counts what each cell holds, in the measure of the goal", async () => {
    const items = [item([1, 4], { macs: 10 }), item([2, 3, 5, 6], { macs: 5 })];
    expect(await choose("global", items, { measure: "macs", share: 0.5 })).toEqual([1, 2]);
    expect(await choose("global", items, { measure: "elements", share: 0.5 })).toEqual([1, 2]);
    expect(await choose("global", items, { measure: "macs", share: 0.25 })).toEqual([1, 0]);
  });

  test("what costs nothing of the goal stays", async () => {
    expect(await choose("global", [item([0], { macs: 0 }), item([1, 2])], { measure: "macs", share: 0.5 })).toEqual([
      0, 1,
    ]);
  });

  test("cells that go together are as important as their mean", async () => {
    // 1 and 9 go together or not at all; 4 and 4 are less.
    const items = [item([9, 1, 20, 20], { multiple: 2, most: 2 }), item([4, 4, 30, 30], { multiple: 2, most: 2 })];
    expect(await choose("global", items, elements(0.25))).toEqual([0, 2]);
  });

  test("is asked for scores one item at a time", async () => {
    let [open, most] = [0, 0];
    const slow = (scores: number[]) =>
      item(scores, {
        async scores() {
          most = Math.max(most, ++open);
          await Promise.resolve();
          open--;
          return Float32Array.from(scores);
        },
      });
    await choose("global", [slow([1, 2]), slow([3, 4]), slow([5, 6])], elements(0.5));
    expect(most).toBe(1);
  });
});

test("lamp is the square over the sum of squares that are not less", async () => {
  // Scores of LAMP: 1/30, 4/29, 9/25, 1 and 100/825, 225/725, 1 (the layer of larger numbers is not spared).
  const items = [item([4, 1, 3, 2]), item([10, 15, Math.sqrt(500)])];
  expect(await choose("lamp", items, elements(2 / 7))).toEqual([1, 1]);
  expect(await choose("lamp", items, elements(4 / 7))).toEqual([2, 2]);
  expect(await choose("lamp", items, elements(5 / 7))).toEqual([3, 2]);
});

test("lamp: zeros first, infinities last", async () => {
  expect(await choose("lamp", [item([0, 0, 5]), item([1, Number.POSITIVE_INFINITY])], elements(0.4))).toEqual([2, 0]);
});

test("erk: densities follow shapes, those above 1 are 1 and the others make up for it", async () => {
  const shaped = (inputs: number, outputs: number, kernel: number[]) => {
    const cells = inputs * outputs * kernel.reduce((product, size) => product * size, 1);
    return item(new Array(cells).fill(1), { shape: { inputs, outputs, kernel } });
  };
  const items = [shaped(1, 8, [3, 3]), shaped(8, 16, [3, 3]), shaped(100, 10, [])];
  const counts = await choose("erk", items, elements(0.8));
  // raw: 15/72, 30/1152, 110/1000; the first is above 1 at any factor that meets the goal.
  const factor = (0.2 * 2224 - 72) / (30 + 110);
  expect(factor * (15 / 72)).toBeLessThan(1);
  const exact = (0.2 * 2224) / (15 + 30 + 110);
  expect(counts).toEqual([72 - exact * 15, 1152 - exact * 30, 1000 - exact * 110].map(Math.round));
  const dense = await choose("erk", items, elements(0.3));
  const rest = (0.7 * 2224 - 72 - 1000) / 30;
  expect(dense).toEqual([0, Math.round(1152 - rest * 30), 0]);
});

describe("sensitivity", () => {
  /** A model is the loss that it has. */
  const tried = (losses: Readonly<Record<number, number>>, cells = 10) =>
    item(new Array(cells).fill(1), { most: cells - 1, without: async (count) => losses[count] as unknown as Model });
  const measured: ScopeContext = { distance: async (loss) => loss as unknown as number };

  test("what loses least for what it saves goes first", async () => {
    const items = [tried({ 5: 0.1, 9: 0.9 }), tried({ 5: 0.5, 9: 1 })];
    const ask = (share: number) => choose("sensitivity", items, elements(share), { ratios: [0.5] }, measured);
    expect(await ask(0.2)).toEqual([4, 0]);
    // 0.02 a cell of the first, then 0.1 of the second to 5, 0.125 of the second to 9, 0.2 of the first.
    expect(await ask(0.4)).toEqual([5, 3]);
    expect(await ask(0.7)).toEqual([5, 9]);
  });

  test("a dear step does not hide a cheap one behind it", async () => {
    const items = [tried({ 5: 0.4, 9: 0.4 }), tried({ 5: 0.3, 9: 3 })];
    // The hull of the first is 0.4 / 9 a cell, less than 0.06 of the second.
    expect(await choose("sensitivity", items, elements(0.45), { ratios: [0.5] }, measured)).toEqual([9, 0]);
  });

  test("outputs that are not finite are the worst", async () => {
    const items = [tried({ 5: Number.POSITIVE_INFINITY, 9: Number.POSITIVE_INFINITY }), tried({ 5: 1, 9: 2 })];
    expect(await choose("sensitivity", items, elements(0.45), { ratios: [0.5] }, measured)).toEqual([0, 9]);
  });
});
