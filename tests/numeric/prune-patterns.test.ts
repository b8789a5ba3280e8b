// Every pattern of coupled channels: the groups that are expected, and random cuts of 10 to 70 percent against the masked model.

import { describe, expect, test } from "vitest";
import type { Group } from "../../src/prune/group/group.js";
import { patterns } from "../support/pruning/patterns.js";
import { drawnRemoval, grouped, provedCut } from "../support/pruning/proof.js";

const makes = (weight: string) => (group: Group) =>
  group.places.some((place) => place.value === weight && place.role !== "input");

describe.each(patterns.map((pattern) => [pattern.name, pattern] as const))("%s", (_, pattern) => {
  test.each([1, 2, 3, 4])("seed %i", async (seed) => {
    const { model, feeds, free, kept = {} } = pattern.make(seed);
    const grouping = await grouped(model, feeds);
    const removable = grouping.groups.filter(({ obstacle }) => obstacle === undefined);
    expect(Object.fromEntries(removable.map(({ name, units }) => [name, units]))).toEqual(free);
    for (const [weight, reason] of Object.entries(kept)) {
      const reasons = grouping.groups.filter(makes(weight)).map(({ obstacle }) => obstacle?.reason);
      expect(reasons, weight).not.toEqual([]);
      for (const one of reasons) expect(one).toMatch(reason);
    }
    for (const ratio of [0.1, 0.3, 0.5, 0.7]) {
      const removal = drawnRemoval(grouping, ratio, 100 * seed + Math.round(10 * ratio));
      const { weights, macs } = await provedCut(grouping, removal, feeds);
      expect(weights.length).toBeGreaterThan(0);
      expect(macs.after).toBeLessThan(macs.before);
    }
  });
});
