// Proof that a rewrite keeps what a model computes: both run on the engine, and their outputs are compared.

import { expect } from "vitest";
import { run } from "../../src/engine/run.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { fromFloat16 } from "../../src/tensor/float16.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { services } from "./services.js";

/**
 * Outputs have the same names, types and dims, and no element differs by more than `tolerance` times the largest
 * magnitude of its output. The reference must not be constant, or the comparison would prove nothing.
 */
export async function expectSameResults(before: Model, after: Model, feeds: Feeds, tolerance = 0): Promise<void> {
  assertValid(after);
  // Unoptimised: what is compared is what the files say.
  const expected = await run(before, feeds, services, { optimize: "off" });
  const found = await run(after, feeds, services, { optimize: "off" });
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    const other = found[name]!;
    expect([name, other.dtype, other.dims]).toEqual([name, value.dtype, value.dims]);
    const [a, b] = [numbers(value), numbers(other)];
    const scale = a.reduce((largest, x) => (Number.isFinite(x) ? Math.max(largest, Math.abs(x)) : largest), 0);
    for (const [i, x] of a.entries()) {
      if (Object.is(x, b[i]) || Math.abs(x - b[i]!) <= tolerance * scale) continue;
      expect.fail(`${name}[${i}] is ${b[i]}, not ${x}; tolerance ${tolerance} x ${scale}`);
    }
  }
}

function numbers({ dtype, data }: Value): number[] {
  if (dtype === "float16") return [...fromFloat16(data as Uint16Array)];
  return Array.from(data as ArrayLike<number | bigint>, Number);
}
