import { expect, test } from "vitest";
import type { Group, Grouping } from "./group/group.js";
import { type Plan, parsePlan, removalOf } from "./plan.js";

const plan = (...groups: Plan["groups"]): Plan => ({ version: 1, groups });
const group = (name: string, units: number, obstacle?: Group["obstacle"]): Group => ({
  name,
  kind: "filter",
  units,
  places: [],
  obstacle,
});
const grouping = (...groups: Group[]) => ({ groups }) as unknown as Grouping;

test("a plan survives JSON", () => {
  const given = plan({ name: "conv1.weight", kind: "filter", units: 4, removed: [0, 3] });
  expect(parsePlan(JSON.parse(JSON.stringify(given)))).toEqual(given);
  expect(removalOf(given, grouping(group("conv1.weight", 4)))).toEqual(new Map([["conv1.weight", [0, 3]]]));
});

test.each([
  ["no plan", { groups: [] }, "plan-invalid"],
  ["another version", { version: 2, groups: [] }, "plan-invalid"],
  ["what it does not know", { version: 1, groups: [], more: 1 }, "plan-invalid"],
  ["a unit that is not there", plan({ name: "a", units: 2, removed: [2] }), "plan-unfit"],
  ["a unit twice", plan({ name: "a", units: 3, removed: [1, 1] }), "plan-unfit"],
  ["all units", plan({ name: "a", units: 2, removed: [0, 1] }), "plan-unfit"],
  ["a group twice", plan({ name: "a", units: 2, removed: [0] }, { name: "a", units: 2, removed: [1] }), "plan-unfit"],
])("%s is refused", (_, given, code) => {
  expect(() => parsePlan(given)).toThrow(expect.objectContaining({ code }));
});

test("a group that does not fit is named", () => {
  const given = plan({ name: "a", units: 4, removed: [1] });
  const unfit = (groups: Grouping, found: string) =>
    expect(() => removalOf(given, groups)).toThrow(expect.objectContaining({ code: "plan-unfit", node: "a", found }));
  unfit(grouping(group("b", 4)), "b");
  unfit(grouping(group("a", 5)), "5");
  unfit(grouping(group("a", 4, { reason: "it is an output", node: "last" })), "last");
  // What a plan leaves alone need not be there.
  expect(removalOf(plan({ name: "z", units: 9, removed: [] }), grouping()).size).toBe(0);
});
