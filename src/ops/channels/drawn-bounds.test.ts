// Slices, Gathers and Pads with drawn bounds, far beyond the ends too: cuts of half of what is free are exact.

import fc from "fast-check";
import { expect, test } from "vitest";
import { imagePassage, type Passage, proveHalf } from "../../../tests/support/pruning/passage.js";

const CHANNELS = 9;
const seeded = { seed: 20, numRuns: 12 };

const half = (between: Passage["between"], opset = 17) =>
  proveHalf(imagePassage({ name: "drawn", channels: CHANNELS, opset, between }, 3), 5);

/** As NumPy slices. */
function taken(start: number, end: number, step: number): number[] {
  const clamp = (bound: number, low: number, high: number) =>
    Math.min(Math.max(bound < 0 ? bound + CHANNELS : bound, low), high);
  const found: number[] = [];
  if (step > 0) for (let at = clamp(start, 0, CHANNELS); at < clamp(end, 0, CHANNELS); at += step) found.push(at);
  else for (let at = clamp(start, 0, CHANNELS - 1); at > clamp(end, -1, CHANNELS - 1); at += step) found.push(at);
  return found;
}

test("Slice", async () => {
  const bound = fc.integer({ min: -CHANNELS - 3, max: CHANNELS + 3 });
  const step = fc.integer({ min: -4, max: 4 }).filter((one) => one !== 0);
  const drawn = fc.tuple(bound, bound, step).filter(([start, end, by]) => taken(start, end, by).length > 0);
  await fc.assert(
    fc.asyncProperty(drawn, async ([start, end, by]) => {
      const gone = await half((n, x) => {
        const part = n.op("Slice", [x, n.ints([start]), n.ints([end]), n.ints([-3]), n.ints([by])]);
        // Beside all channels, so that those that are not taken have a reader too.
        return [n.op("Concat", [part, x], { axis: 1 }), CHANNELS + taken(start, end, by).length];
      });
      expect(gone).toBeGreaterThan(0);
    }),
    seeded,
  );
});

test("Gather", async () => {
  const index = fc.integer({ min: -CHANNELS, max: CHANNELS - 1 });
  await fc.assert(
    fc.asyncProperty(fc.array(index, { minLength: 1, maxLength: 12 }), async (indices) => {
      const gone = await half((n, x) => {
        const part = n.op("Gather", [x, n.ints(indices)], { axis: 1 });
        return [n.op("Concat", [x, part], { axis: 1 }), CHANNELS + indices.length];
      });
      expect(gone).toBeGreaterThan(0);
    }),
    seeded,
  );
});

test("Pad and crop", async () => {
  const amount = fc.integer({ min: -4, max: 3 });
  await fc.assert(
    fc.asyncProperty(amount, amount, fc.boolean(), async (begin, end, older) => {
      const pads = [0, begin, 0, 1, 0, end, 1, 0];
      const width = CHANNELS + begin + end;
      const gone = await half(
        (n, x) => {
          if (!older) return [n.op("Pad", [x, n.ints(pads)]), width];
          const other = n.op("Pad", [n.conv("other", "x", 3, width)], { pads: [0, 0, 0, 1, 0, 0, 1, 0] });
          return [n.op("Add", [n.op("Pad", [x], { pads }), other]), width];
        },
        older ? 10 : 13,
      );
      expect(gone).toBeGreaterThan(0);
    }),
    seeded,
  );
});
