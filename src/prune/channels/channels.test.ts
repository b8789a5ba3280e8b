// Channels cut out of a small network with a residual block: goals, limits, steps, plans.

import { describe, expect, test } from "vitest";
import { net } from "../../../tests/support/pruning/parts.js";
import { stepContext } from "../../../tests/support/step-context.js";
import { observe } from "../../engine/observe.js";
import { withSession } from "../../engine/session.js";
import { weightBytes } from "../../engine/weight-bytes.js";
import type { Model } from "../../ir/model.js";
import { workOf } from "../../metrics/work.js";
import { type PruneOptions, pruneOptions } from "../options.js";
import { settle } from "../settle.js";
import { channelPruner, planPruner } from "./pruner.js";
import type { Time } from "./timing.js";

/** 24 channels through the stem and the residual block, 32 inside it, 40 at the end. Equal shapes for every seed. */
function network(seed: number) {
  const n = net(seed);
  const x = n.image(3, 8);
  const stem = n.op("Relu", [n.norm("stem.norm", n.conv("stem", "x", 3, 24, { bias: false }), 24)]);
  const inner = n.op("Relu", [n.conv("a.conv1", stem, 24, 32)]);
  const sum = n.op("Add", [n.conv("a.conv2", inner, 32, 24), stem]);
  n.classify(n.op("Relu", [n.conv("last", sum, 24, 40)]), 40);
  return n.done({ x }, {});
}

const { model, feeds } = network(7);
const context = stepContext([feeds]);
const parse = (options: object): PruneOptions =>
  pruneOptions.parse({ structure: "channel", scope: "uniform", roundTo: 1, ...options });

function opened(stated: object, { given = model, time }: { given?: Model; time?: Time } = {}) {
  const options = parse(stated);
  return channelPruner(given, settle(options), options, context, time);
}

/** In one step. */
async function pruned(stated: object, more: { given?: Model; time?: Time } = {}) {
  const pruner = await opened(stated, more);
  const { model: cut } = await pruner.step(more.given ?? model, pruner.share);
  const { groups, plan, macs, table, notes } = pruner.outcome();
  const left = Object.fromEntries(groups!.map(({ group, units }) => [group, units.after]));
  return { cut, left, groups: groups!, plan: plan!, macs: macs!, table, notes };
}

const macsOf = async (of: Model) => workOf(of, (await observe(of, { feeds }, context)).values).macs;

const outputs = (of: Model) =>
  withSession(of, context, {}, async (session) =>
    Object.values(await session.run(feeds)).map(({ data }) => Array.from(data as Float32Array)),
  );

describe("goals", () => {
  test("a ratio is of the channels of every group", async () => {
    const { left, table } = await pruned({ ratio: 0.25 });
    expect(left).toMatchObject({ "stem.weight": 18, "a.conv1.weight": 24, "last.weight": 30 });
    // 40 filters of 24 channels to 30 of 18, biases with them.
    expect(table.map(({ elements }) => elements)).toContainEqual({ before: 40 * 24 * 9 + 40, after: 30 * 18 * 9 + 30 });
  });

  test.each(["uniform", "global", "lamp"])(
    "MACs are met, and passed by less than a fiftieth: scope %s",
    async (scope) => {
      const { macs, cut } = await pruned({ macs: "40%", scope });
      expect(macs.after).toBeLessThanOrEqual(0.6 * macs.before);
      expect(macs.after).toBeGreaterThan(0.58 * macs.before);
      // What shapes foretell is what the cut model does.
      expect(macs.after).toBe(await macsOf(cut));
    },
  );

  test("so many may stay", async () => {
    const { macs } = await pruned({ macs: 200_000 });
    expect(macs.after).toBeLessThanOrEqual(200_000);
    expect(macs.after).toBeGreaterThan(185_000);
  });

  test("bytes", async () => {
    const before = weightBytes(model.graph);
    const { cut } = await pruned({ bytes: "50%" });
    expect(weightBytes(cut.graph)).toBeLessThanOrEqual(before / 2);
    expect(weightBytes(cut.graph)).toBeGreaterThan(0.47 * before);
  });

  test("time, as a clock tells that counts multiply-accumulates", async () => {
    const before = await macsOf(model);
    let trials = 0;
    const time: Time = async (of) => {
      trials++;
      return { ms: 8, ratio: (await macsOf(of)) / before };
    };
    const { macs } = await pruned({ latency: "3ms" }, { time });
    expect(macs.after / macs.before).toBeLessThanOrEqual(3 / 8);
    expect(macs.after / macs.before).toBeGreaterThan(0.34);
    expect(trials).toBeLessThanOrEqual(8);
    await expect(opened({ latency: "0.01ms" }, { time })).rejects.toMatchObject({ code: "goal-out-of-reach" });
  });

  test("what cannot go is refused before anything is cut", async () => {
    await expect(opened({ macs: "50%", keep: ["stem", "a.*", "last"] })).rejects.toMatchObject({
      code: expect.stringMatching(/goal-out-of-reach|nothing-to-prune|pattern-unmatched/),
    });
    await expect(opened({ macs: "99.9%" })).rejects.toMatchObject({ code: "goal-out-of-reach" });
    await expect(opened({ structure: "head" })).rejects.toMatchObject({ code: "nothing-to-prune" });
  });
});

describe("limits", () => {
  test("counts in multiples; what is not one may stay as it is", async () => {
    const { left } = await pruned({ macs: "50%", scope: "global", roundTo: 16 });
    expect(left["a.conv1.weight"]! % 16).toBe(0);
    for (const name of ["stem.weight", "last.weight"]) expect([16, 24, 32, 40]).toContain(left[name]);
  });

  test("automatic multiples go by the size of the group", async () => {
    const { left } = await pruned({ ratio: 0.4, roundTo: "auto" });
    expect(left).toMatchObject({ "stem.weight": 16, "a.conv1.weight": 16, "last.weight": 24 });
  });

  test("layers that are kept, and shares for layers, by pattern", async () => {
    const { left, groups } = await pruned({
      ratio: 0.5,
      keep: ["a.conv1.weight"],
      layers: { "last*": 0.25 },
      maxRatio: 0.4,
    });
    expect(left).toMatchObject({ "stem.weight": 15, "a.conv1.weight": 32, "last.weight": 30 });
    const reason = (name: string) => groups.find(({ group }) => group === name)?.reason;
    expect(reason("a.conv1.weight")).toMatch(/keep names it/);
    expect(reason("stem.weight")).toMatch(/no more than 0.4/);
    await expect(opened({ keep: ["a.conv9.weight"] })).rejects.toMatchObject({ code: "pattern-unmatched" });
  });

  test("only what is named", async () => {
    const { left } = await pruned({ ratio: 0.5, only: ["last.weight"] });
    expect(left).toMatchObject({ "stem.weight": 24, "a.conv1.weight": 32, "last.weight": 20 });
  });

  test("what stays says why", async () => {
    const { groups } = await pruned({ ratio: 0.5 });
    const kept = groups.filter(({ units }) => units.after === units.before);
    expect(kept.map(({ reason }) => reason)).toEqual(
      expect.arrayContaining([expect.stringMatching(/inputs/), expect.stringMatching(/outputs/)]),
    );
  });
});

describe("steps and plans", () => {
  test("steps count in shares of the original, and give one plan in its numbers", async () => {
    const stepped = await opened({ ratio: 0.5, schedule: "linear", steps: 3 });
    let current = model;
    for (const share of [0.2, 0.35, 0.5]) current = (await stepped.step(current, share)).model;
    const { plan, groups } = stepped.outcome();
    expect(groups!.map(({ units }) => units.after)).toEqual(
      (await pruned({ ratio: 0.5 })).groups.map(({ units }) => units.after),
    );
    const replayed = planPruner(pruneOptions.parse({ plan: JSON.parse(JSON.stringify(plan)) }), context);
    const { model: again } = await replayed.step(model, 1);
    // The weights were not trained in between: the same channels of the same numbers are left.
    expect(await outputs(again)).toEqual(await outputs(current));
    expect(replayed.outcome().macs).toEqual(stepped.outcome().macs);
  });

  test("a goal of MACs is of the original after every step", async () => {
    const stepped = await opened({ macs: "60%", scope: "global" });
    const before = await macsOf(model);
    let current = model;
    for (const share of [0.3, 0.6]) {
      current = (await stepped.step(current, share)).model;
      const gone = 1 - (await macsOf(current)) / before;
      expect(gone).toBeGreaterThanOrEqual(share);
      expect(gone).toBeLessThan(share + 0.03);
    }
  });

  test("a plan fits other weights of the same architecture", async () => {
    const { plan, macs } = await pruned({ macs: "50%", scope: "global" });
    const other = network(8).model;
    const { model: cut } = await planPruner(pruneOptions.parse({ plan }), context).step(other, 1);
    expect(await macsOf(cut)).toBe(macs.after);
    expect(await outputs(cut)).not.toEqual(await outputs(other));
  });

  test("a plan of another architecture is refused with the group's name", async () => {
    const { plan } = await pruned({ ratio: 0.5 });
    const groups = plan.groups.map((group) => ({ ...group, units: group.units + 1 }));
    const unfit = planPruner(pruneOptions.parse({ plan: { ...plan, groups } }), context);
    await expect(unfit.step(model, 1)).rejects.toMatchObject({ code: "plan-unfit", node: plan.groups[0]!.name });
    expect(() => planPruner(pruneOptions.parse({ plan, ratio: 0.3 }), context)).toThrow(/would do nothing/);
  });
});
