// Layers whose times, bytes and joules can be worked out by hand, on devices made of round numbers.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { boundsOf, gainsOf } from "./advice.js";
import { type Device, defineDevice, type Memory, published } from "./device.js";
import { estimate } from "./estimate.js";
import { arithmeticOf, FORM_NAMES } from "./forms.js";
import { hardware } from "./index.js";
import { layerTime, settingOf, totals } from "./roofline.js";
import type { LayerWork } from "./work.js";

const memory: Memory = { kind: "M", bytes: 1000, bandwidth: published(100), energy: published(2) };

/** 1000 operations a second in float32, four times that in int8, 100 bytes a second, 10 W, 36 dollars an hour. */
const toy: Device = defineDevice({
  name: "toy",
  summary: "A device of round numbers",
  reference: "https://example.org",
  sources: [],
  rates: { float32: { ...published(1000), unit: "one" }, int8: { ...published(4000), unit: "other" } },
  memory: { weights: memory, activations: memory },
  process: "45nm",
  watts: published(10),
  price: { usdPerHour: 36, date: "2026-01", source: "https://example.org" },
});

const layer = (macs: number, weights: number, activations: number): LayerWork => ({
  name: `l${macs}`,
  op: "MatMul",
  macs,
  weights,
  activations,
});

describe("one layer", () => {
  test("bound by arithmetic", () => {
    // 2 x 5000 operations at 1000 a second: 10 s. (25 + 25) x 4 bytes at 100 a second: 2 s.
    expect(layerTime(layer(5000, 25, 25), toy, settingOf(toy, "float32"))).toEqual({
      arithmetic: 10,
      weights: 1,
      activations: 1,
      total: 10,
      bound: "arithmetic",
    });
  });

  test("bound by memory", () => {
    // 200 operations: 0.2 s. 100 weights: 4 s; 50 activations: 2 s.
    expect(layerTime(layer(100, 100, 50), toy, settingOf(toy, "float32"))).toMatchObject({ total: 6, bound: "memory" });
    // In int8: 200 at 4000 a second: 0.05 s; 1 s and 0.5 s.
    expect(layerTime(layer(100, 100, 50), toy, settingOf(toy, "int8"))).toMatchObject({ total: 1.5, arithmetic: 0.05 });
    // int4: 4.5 bits a weight, activations and arithmetic as int8.
    const four = layerTime(layer(100, 100, 50), toy, settingOf(toy, "int4"));
    expect(four.weights).toBeCloseTo((100 * 4.5) / 8 / 100, 12);
    expect(four).toMatchObject({ arithmetic: 0.05, activations: 0.5 });
  });

  test("weights and activations from memories of their own", () => {
    const apart: Device = {
      ...toy,
      memory: { weights: memory, activations: { ...memory, bandwidth: published(400) } },
    };
    expect(layerTime(layer(100, 100, 100), apart, settingOf(apart, "float32"))).toMatchObject({
      weights: 4,
      activations: 1,
      total: 5,
    });
  });
});

test("a form without units is multiplied as the next wider one", () => {
  const as = Object.fromEntries(FORM_NAMES.map((form) => [form, arithmeticOf(toy, form).form]));
  expect(as).toEqual({
    float32: "float32",
    tf32: "float32",
    float16: "float32",
    bfloat16: "float32",
    int8: "int8",
    int4: "int8",
  });
  const floats: Device = { ...toy, rates: { float32: toy.rates.float32 } };
  expect(arithmeticOf(floats, "int8").form).toBe("float32");
});

test("a whole model: seconds, bytes, intensity, joules, dollars", () => {
  const layers = [layer(5000, 25, 25), layer(100, 100, 50)];
  const all = totals(layers, toy, settingOf(toy, "float32"));
  expect(all).toMatchObject({
    seconds: 16,
    weightBytes: 500,
    activationBytes: 300,
    memoryBound: 1,
    arithmeticBound: 1,
  });
  expect(all.memoryShare).toBeCloseTo(6 / 16, 12);
  expect(all.weightShare).toBeCloseTo(4 / 6, 12);
  // 10200 operations over 800 bytes; the ridge is 1000 operations over 100 bytes.
  expect(all.intensity).toBeCloseTo(12.75, 12);
  expect(all.ridge).toBeCloseTo(10, 12);
  // 4.6 pJ for a product and a sum of float32 at 45 nm (Horowitz 2014); 800 bytes of 2 J.
  expect(all.arithmeticJoules).toBeCloseTo(5100 * 4.6e-12, 15);
  expect(all.memoryJoules).toBe(1600);

  const found = estimate({ layers, others: 200, uncounted: 1, inBodies: 2 }, [toy], {
    weights: 125,
    peakActivations: 125,
    base: "float32",
  });
  expect(found).toMatchObject({ kind: "roofline", measured: false });
  expect(found.work).toEqual({ layers: 2, macs: 5100, weights: 125, activations: 75, others: 200, uncounted: 3 });
  const [row, ...rest] = found.devices[0]!.forms;
  expect(row).toMatchObject({
    form: "float32",
    runsAs: "float32",
    seconds: 16,
    othersSeconds: 8,
    joulesAtFullPower: 160,
    // A cent a second.
    usdPerMillionRuns: 160_000,
    memoryBoundShare: 0.375,
    // 500 bytes of weights and 500 of activations: just in.
    fits: true,
  });
  expect(rest.map(({ form }) => form)).toEqual(FORM_NAMES.slice(1));
});

test("what does not fit, and what is not known", () => {
  const fits = (weights: number, peakActivations: number | undefined) =>
    estimate({ layers: [layer(1, 1, 1)], others: 0, uncounted: 0, inBodies: 0 }, [toy], {
      weights,
      peakActivations,
      base: "float32",
    }).devices[0]!.forms.map((form) => form.fits);
  // 300 weights: 1200 bytes in float32, 600 in float16, 300 in int8, 169 in int4.
  expect(fits(300, 100)).toEqual([false, false, true, true, true, true]);
  expect(fits(300, 700)).toEqual([false, false, false, false, true, true]);
  expect(fits(300, undefined)).toEqual([false, false, null, null, null, null]);
});

describe("advice", () => {
  const told = (layers: readonly LayerWork[], device = toy) =>
    estimate({ layers, others: 0, uncounted: 0, inBodies: 0 }, [device], {
      weights: 1,
      peakActivations: undefined,
      base: "float32",
    }).devices[0]!;

  test("weights are read slowly: smaller weights alone", () => {
    const { advice, gains, bounds } = told([layer(100, 1000, 10)]);
    // 40.4 s become 5.625 + 0.4 s.
    expect(gains.smallerWeights).toBeCloseTo(40.4 / 6.025, 1);
    expect(gains.int8).toBeCloseTo(4, 6);
    expect(advice).toContain("1 of 1 layers, 100 % of the time at float32, are bound by memory, mostly for weights");
    expect(advice).toContain("smaller weights alone help (4-bit weights alone 6.7 times faster");
    expect(bounds).toEqual({ memory: ["l100"], arithmetic: [] });
  });

  test("activations are moved slowly: weights alone gain nothing", () => {
    const { advice } = told([layer(100, 10, 1000)]);
    expect(advice).toContain("mostly for activations: activations have to get smaller too");
    expect(advice).toContain("4-bit weights alone no gain");
  });

  test("arithmetic: faster arithmetic, or less of it", () => {
    const { advice, gains } = told([layer(5000, 25, 25)]);
    expect(gains).toMatchObject({ smallerWeights: 1, int8: 4, halfChannels: 4 });
    expect(advice).toContain("are bound by arithmetic: faster arithmetic helps");
    const floats: Device = { ...toy, rates: { float32: toy.rates.float32 } };
    const without = told([layer(5000, 25, 25)], floats);
    expect(without.advice).toContain("only less work helps");
    expect(without.advice).toContain("int8 weights and activations, multiplied as float32, no gain");
  });

  test("layers stand in order of their time", () => {
    const layers = [layer(100, 10, 10), layer(300, 1000, 1), layer(200, 100, 1), layer(9000, 1, 1)];
    expect(boundsOf(layers, toy, "float32")).toEqual({ memory: ["l300", "l200", "l100"], arithmetic: ["l9000"] });
  });

  test("less is never slower, on any device", () => {
    const size = fc.integer({ min: 1, max: 1e9 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(size, size, size), { minLength: 1, maxLength: 5 }),
        fc.constantFrom(...hardware.list),
        (sizes, device) => {
          const layers = sizes.map(([macs, weights, activations]) => layer(macs, weights, activations));
          for (const gain of Object.values(gainsOf(layers, device, "float32"))) expect(gain).toBeGreaterThan(0.999);
        },
      ),
      { numRuns: 200 },
    );
  });
});
