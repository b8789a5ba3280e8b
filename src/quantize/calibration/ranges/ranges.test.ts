// Each range method against its definition, on numbers few enough to try everything.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HistogramSum } from "../histogram.js";
import { Tally } from "../tally.js";
import { calibrationRanges, type RangeOptions, type Statistics } from "./index.js";

const options: RangeOptions = { levels: 256, symmetric: false, percentile: 99.99, sigmas: 3, momentum: 0.1 };

function observed(samples: readonly (readonly number[])[]): Statistics {
  const tally = new Tally(options.momentum);
  for (const [at, sample] of samples.entries()) tally.addNumbers(Float32Array.from(sample), String(at));
  return tally.done();
}

const range = (name: string, samples: readonly (readonly number[])[], given: Partial<RangeOptions> = {}) =>
  calibrationRanges.get(name).range(observed(samples), { ...options, ...given });

const number = fc.double({ min: -100, max: 100, noNaN: true }).map((x) => Math.fround(x) + 0);
const samples = fc.array(fc.array(number, { minLength: 1, maxLength: 30 }), { minLength: 1, maxLength: 6 });
const lows = (all: readonly (readonly number[])[]) => all.map((one) => Math.min(...one));
const highs = (all: readonly (readonly number[])[]) => all.map((one) => Math.max(...one));

/** Numbers as activations have them: most near 0, some far away. */
function spread(count: number, of: (uniform: number) => number): number[] {
  return Array.from({ length: count }, (_, i) => Math.fround(of((i + 0.5) / count)));
}
const normal = (u: number) => {
  // Logistic numbers: heavier tails than normal ones, and an inverse in closed form.
  return Math.log(u / (1 - u));
};

/** The mean squared error of the numbers themselves on the grid of a range. */
function trueError(numbers: readonly number[], low: number, high: number, levels: number): number {
  const [least, most] = [Math.min(low, 0), Math.max(high, 0)];
  const scale = (most - least) / (levels - 1);
  const zero = Math.round(-least / scale);
  let sum = 0;
  for (const x of numbers) {
    const code = Math.min(Math.max(Math.round(x / scale) + zero, 0), levels - 1);
    sum += ((code - zero) * scale - x) ** 2;
  }
  return sum / numbers.length;
}

describe("every method", () => {
  test.each(calibrationRanges.names)("%s gives finite ends, the right way round, within what was observed", (name) => {
    fc.assert(
      fc.property(samples, (all) => {
        const { low, high } = range(name, all);
        const [min, max] = [Math.min(...lows(all)), Math.max(...highs(all))];
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(min - 1e-9);
        expect(high).toBeLessThanOrEqual(max + 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  test.each(calibrationRanges.names)("%s of numbers that are all the same is that number", (name) => {
    for (const value of [0, 3.5, -2]) {
      const { low, high } = range(name, [[value, value], [value]]);
      expect([low, high].every(Number.isFinite)).toBe(true);
      // What 0 is widened to is all that the codes need.
      expect(Math.max(high, 0)).toBeCloseTo(Math.max(value, 0), 2);
      expect(Math.min(low, 0)).toBeCloseTo(Math.min(value, 0), 2);
    }
  });
});

describe("extremes", () => {
  test("min-max, median, moving-average, mean-sigma are what their names say", () => {
    fc.assert(
      fc.property(samples, (all) => {
        expect(range("min-max", all)).toEqual({ low: Math.min(...lows(all)), high: Math.max(...highs(all)) });
        const median = (numbers: number[]) => {
          const sorted = numbers.toSorted((a, b) => a - b);
          return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
        };
        expect(range("median", all)).toEqual({ low: median(lows(all)), high: median(highs(all)) });
        const average = (numbers: number[]) => numbers.reduce((kept, one) => kept * 0.9 + one * 0.1);
        expect(range("moving-average", all).low).toBeCloseTo(average(lows(all)), 8);
        expect(range("moving-average", all).high).toBeCloseTo(average(highs(all)), 8);
        const numbers = all.flat();
        const mean = numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
        const deviation = Math.sqrt(numbers.reduce((sum, one) => sum + (one - mean) ** 2, 0) / numbers.length);
        const found = range("mean-sigma", all, { sigmas: 1.5 });
        expect(found.low).toBeCloseTo(Math.max(Math.min(...numbers), mean - 1.5 * deviation), 4);
        expect(found.high).toBeCloseTo(Math.min(Math.max(...numbers), mean + 1.5 * deviation), 4);
      }),
      { numRuns: 100 },
    );
  });

  test("so many samples that not all extremes are kept: the median is that of evenly spaced ones", () => {
    const tally = new Tally(0.1);
    for (let i = 0; i < 40_000; i++) tally.addNumbers([-i, i], String(i));
    const statistics = tally.done();
    expect(statistics.lows.length).toBeLessThan(8192);
    const { low, high } = calibrationRanges.get("median").range(statistics, options);
    expect(high).toBeGreaterThan(19_500);
    expect(high).toBeLessThan(20_500);
    expect(low).toBe(-high);
  });
});

describe("percentile", () => {
  const count = 10_000;
  test.each([90, 99, 99.9])("%d of two signs leaves half of the rest out at either end", (percentile) => {
    const numbers = spread(count, normal);
    const { low, high } = range("percentile", [numbers], { percentile });
    const outside = numbers.filter((x) => x < low || x > high).length;
    expect(Math.abs(outside / count - (1 - percentile / 100))).toBeLessThan(3e-4);
    expect(Math.abs(low / high + 1)).toBeLessThan(0.05);
  });

  test("of one sign only the far end is cut, and zeros are numbers", () => {
    const numbers = [...spread(count, (u) => -Math.log(1 - u)), ...Array(count).fill(0)];
    const { low, high } = range("percentile", [numbers], { percentile: 99 });
    expect(low).toBe(0);
    expect(numbers.filter((x) => x > high).length / numbers.length).toBeCloseTo(0.01, 3);
    const mirrored = range("percentile", [numbers.map((x) => -x)], { percentile: 99 });
    expect(mirrored.high).toBe(0);
    expect(mirrored.low).toBeCloseTo(-high, 2);
  });

  test("100 leaves nothing out", () => {
    const numbers = spread(count, normal);
    expect(range("percentile", [numbers], { percentile: 100 })).toEqual(range("min-max", [numbers]));
  });
});

describe("mse", () => {
  const shapes: Record<string, readonly number[]> = {
    "two signs": spread(6000, normal),
    "one sign": spread(6000, (u) => -Math.log(1 - u)),
    negative: spread(6000, (u) => Math.log(1 - u)),
    "mostly zeros": [...spread(2000, (u) => (-Math.log(1 - u)) ** 3), ...Array(4000).fill(0)],
    "one side short": spread(6000, (u) => Math.max(-0.3, normal(u))),
    "an outlier": [...spread(6000, normal), 900],
    "evenly spread": spread(6000, (u) => u * 8 - 2),
  };
  test.each(Object.keys(shapes))("%s: no range of a fine net has less error by more than a little", (name) => {
    const numbers = shapes[name]!.map(Math.fround);
    for (const levels of [16, 256]) {
      const { low, high } = range("mse", [numbers], { levels });
      const found = trueError(numbers, low, high, levels);
      const [min, max] = [Math.min(...numbers, 0), Math.max(...numbers, 0)];
      let least = Number.POSITIVE_INFINITY;
      const steps = 40;
      for (let i = min < 0 ? 0 : steps; i <= steps; i++) {
        for (let j = max > 0 ? 0 : steps; j <= steps; j++) {
          const error = trueError(numbers, min * 1000 ** (i / steps - 1), max * 1000 ** (j / steps - 1), levels);
          if (error < least) least = error;
        }
      }
      expect(found, `${levels} levels`).toBeLessThanOrEqual(least * 1.1);
      expect(found).toBeLessThanOrEqual(trueError(numbers, min, max, levels) * 1.001);
    }
  });

  test("fewer levels clip more, and 16 bits next to nothing", () => {
    const numbers = [spread(20_000, normal)];
    const high = (levels: number) => range("mse", numbers, { levels }).high;
    expect(high(16)).toBeLessThan(high(256));
    expect(high(65536)).toBeGreaterThan(0.98 * range("min-max", numbers).high);
  });

  test("symmetric grids: the error counts the codes that one short side wastes", () => {
    const numbers = [spread(6000, (u) => Math.max(-0.3, normal(u)))];
    const { high } = range("mse", numbers, { levels: 16, symmetric: true });
    expect(high).toBeLessThan(range("mse", numbers, { levels: 16 }).high);
  });
});

describe("entropy", () => {
  test("numbers with long thin tails are clipped, evenly spread ones are not", () => {
    const tails = [...spread(20_000, normal), 300, -250];
    const { low, high } = range("entropy", [tails]);
    expect(high).toBeLessThan(100);
    expect(low).toBeGreaterThan(-100);
    expect(high).toBeGreaterThan(5);
    const even = range("entropy", [spread(20_000, (u) => u * 2 - 1)]);
    expect(even.high).toBeGreaterThan(0.98);
    expect(even.low).toBeLessThan(-0.98);
  });

  test("the divergence at the range found is the least of the definition's", () => {
    // Written anew: bins of TensorRT's number, codes spread over the bins that hold something.
    const numbers = spread(3000, (u) => -Math.log(1 - u) * (u > 0.995 ? 6 : 1));
    const { high } = range("entropy", [numbers], { levels: 16 });
    const max = Math.max(...numbers);
    const exponent = Math.floor(Math.log2(max)) + 1 - 11;
    const width = 2 ** exponent;
    const counts = new Array<number>(Math.ceil(max / width + 1e-9)).fill(0);
    for (const x of numbers) counts[Math.floor(x / width)]!++;
    const divergence = (reach: number) => {
      const p = counts.slice(0, reach);
      p[reach - 1]! += counts.slice(reach).reduce((sum, one) => sum + one, 0);
      const q = new Array<number>(reach).fill(0);
      for (let code = 0; code < 16; code++) {
        const bins = [...p.keys()].filter((i) => Math.floor((i * 16) / reach) === code);
        const filled = bins.filter((i) => p[i]! > 0);
        const sum = bins.reduce((total, i) => total + counts[i]!, 0);
        for (const i of filled) q[i] = sum / filled.length;
      }
      const empty = p.filter((one, i) => one > 0 && q[i] === 0).length;
      const less = (1e-4 * empty) / q.filter((one) => one > 0).length;
      const [sumP, sumQ] = [p, q].map((all) => all.reduce((sum, one) => sum + one, 0)) as [number, number];
      return p.reduce((sum, one, i) => {
        if (one === 0) return sum;
        const smooth = q[i] === 0 ? 1e-4 : Math.max(q[i]! - less, 1e-4);
        return sum + (one / sumP) * Math.log(one / sumP / (smooth / sumQ));
      }, 0);
    };
    const tried = [];
    for (let reach = counts.length; reach >= 16; reach -= 8) tried.push(reach);
    const best = tried.reduce((a, b) => (divergence(b) < divergence(a) ? b : a));
    expect(high).toBeCloseTo(Math.min(best * width, max), 5);
  });
});

test("a histogram of parts in any order is that of the whole", () => {
  const parts = fc.array(fc.array(fc.oneof(number, fc.constantFrom(0, 1e-6, -1e-6, 1e4)), { maxLength: 20 }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(parts, fc.nat(), (all, turn) => {
      const sum = (each: readonly (readonly number[])[]) => {
        const histogram = new HistogramSum();
        for (const part of each) {
          const floats = Float32Array.from(part);
          histogram.addNumbers(floats, Math.min(...floats), Math.max(...floats));
        }
        const { counts, ...rest } = histogram.done() ?? { counts: new Float64Array(0) };
        return { ...rest, counts: Buffer.from(counts.buffer).toString("base64") };
      };
      const at = turn % (all.length + 1);
      expect(sum([...all.slice(at), ...all.slice(0, at)])).toEqual(sum(all));
      expect(sum([all.flat()])).toEqual(sum(all));
    }),
    { numRuns: 40 },
  );
});
