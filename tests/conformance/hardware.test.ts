// What every device promises: figures above zero with a source, in an order that physics allows, and units for float32.

import { describe, expect, test } from "vitest";
import type { Figure } from "../../src/hardware/device.js";
import { macEnergy } from "../../src/hardware/energies.js";
import { arithmeticOf, FORM_NAMES } from "../../src/hardware/forms.js";
import { hardware } from "../../src/hardware/index.js";

test("the devices that people ask for", () => {
  expect(hardware.names).toEqual(expect.arrayContaining(["a100", "h100", "rtx-4090", "apple-m1", "cortex-m55"]));
  expect(() => hardware.get("a1000")).toThrow(/no hardware "a1000"/);
});

describe.each(hardware.list.map((device) => [device.name, device] as const))("%s", (_, device) => {
  const { weights, activations } = device.memory;
  const rates = FORM_NAMES.map((form) => arithmeticOf(device, form).rate.value);

  test("every figure is above zero, and says how it came about where it is not published", () => {
    const figures: Figure[] = [
      ...Object.values(device.rates),
      device.watts,
      ...[weights, activations].flatMap((memory) => [memory.bandwidth, memory.energy]),
    ];
    for (const { value, basis, note } of figures) {
      expect(value).toBeGreaterThan(0);
      expect(Number.isFinite(value)).toBe(true);
      if (basis !== "published") expect(note).toMatch(/\S.{8,}/);
    }
    expect(weights.bytes).toBeGreaterThan(0);
    expect(activations.bytes).toBeGreaterThan(0);
    if (device.price) {
      expect(device.price.usdPerHour).toBeGreaterThan(0);
      expect(device.price.date).toMatch(/^20\d\d-(0[1-9]|1[0-2])$/);
    }
  });

  test("sources are addresses", () => {
    const sources = [device.reference, ...device.sources, ...(device.price ? [device.price.source] : [])];
    expect(sources.length).toBeGreaterThan(1);
    for (const source of sources) expect(new URL(source).protocol).toBe("https:");
  });

  test("fewer bits are never slower: float32, tf32, float16, int8, and int4 as int8", () => {
    const [float32, tf32, float16, bfloat16, int8, int4] = rates as [number, number, number, number, number, number];
    expect(tf32).toBeGreaterThanOrEqual(float32);
    expect(float16).toBeGreaterThanOrEqual(float32);
    expect(bfloat16).toBeGreaterThanOrEqual(float32);
    expect(int8).toBeGreaterThanOrEqual(float16);
    expect(int4).toBe(int8);
    expect(device.rates.int4?.value ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(int8);
  });

  test("fewer bits never take more energy for a product", () => {
    const of = (form: (typeof FORM_NAMES)[number]) => macEnergy(device.process, form);
    expect(of("int8")).toBeLessThan(of("bfloat16"));
    expect(of("bfloat16")).toBeLessThan(of("float16"));
    expect(of("float16")).toBeLessThan(of("float32"));
  });

  // Otherwise the lower bound of an estimate's energy would lie above its upper one.
  test("arithmetic and memory at their peaks stay below full power", () => {
    for (const form of FORM_NAMES) {
      const { form: arithmetic, rate } = arithmeticOf(device, form);
      const products = (rate.value / 2) * macEnergy(device.process, arithmetic);
      const bytes = Math.max(
        weights.bandwidth.value * weights.energy.value,
        activations.bandwidth.value * activations.energy.value,
      );
      expect(products + bytes).toBeLessThan(device.watts.value);
    }
  });
});
