import { describe, expect, it } from "vitest";
import { random } from "./random.js";

describe("random", () => {
  it("gives the same numbers for the same seed, everywhere", () => {
    const r = random(7);
    const first = [r.int(1000), r.int(1000), r.int(1000), r.int(1000)];
    expect(first).toEqual(KNOWN);
    expect(random(8).int(2 ** 32)).not.toBe(random(7).int(2 ** 32));
  });

  it("is uniform and normal to the second moment", () => {
    const r = random(1);
    const n = 20_000;
    let [u, u2, z, z2] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const a = r.next();
      const b = r.normal();
      expect(a >= 0 && a < 1).toBe(true);
      [u, u2, z, z2] = [u + a, u2 + a * a, z + b, z2 + b * b];
    }
    expect(u / n).toBeCloseTo(1 / 2, 2);
    expect(u2 / n).toBeCloseTo(1 / 3, 2);
    expect(Math.abs(z / n)).toBeLessThan(0.03);
    expect(Math.abs(z2 / n - 1)).toBeLessThan(0.05);
  });

  it("draws every integer below n, each about equally often", () => {
    const r = random(3);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 7000; i++) counts[r.int(7)]++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
    expect(random(0).int(1)).toBe(0);
  });
});

const KNOWN = [603, 892, 120, 890];
