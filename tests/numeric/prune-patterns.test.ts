// Every pattern of coupled channels: the groups that are expected, and random cuts of 10 to 70 percent against the masked model.

import { describe, expect, test } from "vitest";
import type { Group } from "../../src/prune/group/group.js";
import { patterns } from "../support/pruning/patterns.js";
import { drawnRemoval, grouped, provedCut } from "../support/pruning/proof.js";

const makes = (weight: string) => (group: Group) =>
  group.places.some((place) => place.value === weight && place.role !== "input");

describe.each(patterns.map((pattern) => [pattern.name, pattern] as const))("%s", (_, pattern) => {
  test.each([
    [1, 0.5],
    [2, 0.1],
    [3, 0.7],
    [4, 0.3],
  ])("seed %i, %d of the units", async (seed, ratio) => {
    const { model, feeds, free, kept = {} } = pattern.make(seed);
    const grouping = await grouped(model, feeds);
    const removable = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
    expect(Object.fromEntries(removable.map(({ name, units }) => [name, units]))).toEqual(free);
    for (const [weight, reason] of Object.entries(kept)) {
      const reasons = grouping.groups.filter(makes(weight)).map(({ obstacle }) => obstacle?.reason);
      expect(reasons, weight).not.toEqual([]);
      for (const one of reasons) expect(one).toMatch(reason);
    }
    const { weights, macs } = await provedCut(grouping, drawnRemoval(grouping, ratio, seed), feeds);
    expect(weights.length).toBeGreaterThan(0);
    expect(macs.after).toBeLessThan(macs.before);
  });
});
