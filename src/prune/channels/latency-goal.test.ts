import { expect, test } from "vitest";
import { searchTime } from "./latency-goal.js";

/** A model whose time falls with the work, down to a floor; 10 ms to begin with. */
function search(amount: { share: number } | { left: number }, floor = 0, all = 0.9) {
  const shares: number[] = [];
  const run = searchTime(
    {
      amount,
      from: 0,
      all,
      guess: 0.5,
      counts: async (share) => new Map([["g", share]]),
      time: async (counts) => {
        const share = counts.get("g")!;
        shares.push(share);
        return { ms: 10, ratio: Math.max(floor, 1 - 0.8 * share) };
      },
    },
    {},
  );
  return { run, shares };
}

test("finds the smallest share that is fast enough, in few trials", async () => {
  const { run, shares } = search({ share: 0.4 });
  const { share, counts } = await run;
  // 1 - 0.8 s <= 0.6 from s = 0.5 on.
  expect(share).toBeGreaterThanOrEqual(0.5);
  expect(share).toBeLessThan(0.51);
  expect(counts.get("g")).toBe(share);
  expect(shares.length).toBeLessThanOrEqual(8);
});

test("milliseconds are of the original's own time", async () => {
  const { share } = await search({ left: 4 }).run;
  expect(share).toBeGreaterThanOrEqual(0.75);
  expect(share).toBeLessThan(0.77);
});

test("a time that nothing reaches is refused after two trials", async () => {
  const { run, shares } = search({ share: 0.8 }, 0.3);
  await expect(run).rejects.toMatchObject({ code: "goal-out-of-reach", found: expect.stringContaining("3.000 ms") });
  expect(shares).toEqual([0.5, 0.9]);
});
