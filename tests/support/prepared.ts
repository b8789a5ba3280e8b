// A prepared model beside the one it was made from.

import { expect } from "vitest";
import { asNumbers } from "../../src/engine/feeds.js";
import { run } from "../../src/engine/run.js";
import type { Model } from "../../src/ir/model.js";
import { assertValid } from "../../src/ir/verify.js";
import { toBytes } from "../../src/onnx/encode.js";
import { elementCount } from "../../src/tensor/dtype.js";
import { random } from "../../src/tensor/random.js";
import { float32, type Tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { prepare } from "../../src/train/prepare.js";
import type { Prepared } from "../../src/train/prepared.js";
import { services } from "./services.js";

/** Normal numbers, the same for the same seed. */
export function normals(seed: number, ...dims: number[]): Tensor {
  const r = random(seed);
  return float32(
    dims,
    Array.from({ length: elementCount(dims) }, () => Math.fround(r.normal())),
  );
}

export const seededValue = (dims: readonly number[], seed: number): Value => ({
  dtype: "float32",
  dims,
  data: new Float32Array(normals(seed, ...dims).data.bytes!.slice().buffer),
});

/** The initial values of everything that `restore` takes. */
export async function initialValues(prepared: Prepared): Promise<Map<string, Value>> {
  const names = [
    ...prepared.weights.map(({ name }) => name),
    ...prepared.statistics.flatMap(({ mean, variance }) => [mean, variance]),
  ];
  const values = new Map<string, Value>();
  for (const name of names) {
    const weight = prepared.model.graph.initializers.get(name)!;
    if (weight.sparse) throw new Error(`${name} is sparse`);
    const data = new Float32Array((await weight.data.read()).slice().buffer);
    values.set(name, { dtype: "float32", dims: weight.dims, data });
  }
  return values;
}

/**
 * Prepares and compares: same outputs within `tolerance` of the largest of each, static shapes that are those of the run, and a
 * round trip without change that gives the same bytes.
 */
export async function prepareAndCompare(model: Model, feeds: Feeds, tolerance = 1e-5): Promise<Prepared> {
  const prepared = await prepare(model, { feeds }, services);
  assertValid(prepared.model);
  expect(prepared.model.opsets.get("")).toBeGreaterThanOrEqual(21);
  expect(prepared.model.functions).toEqual([]);
  const own = Object.fromEntries(prepared.inputs.map((name) => [name, feeds[name]!]));
  expectClose(await run(model, feeds, services), await run(prepared.model, own, services), tolerance);
  for (const node of prepared.model.graph.nodes) {
    for (const name of node.outputs) if (name !== "") expect(prepared.shapes.has(name), name).toBe(true);
  }
  for (const { name, dims } of prepared.weights) {
    expect(prepared.model.graph.initializers.get(name)).toMatchObject({ dtype: "float32", dims });
    expect(prepared.model.graph.inputs.some((input) => input.name === name)).toBe(false);
  }
  expect(new Set(prepared.weights.map(({ name }) => name)).size).toBe(prepared.weights.length);
  const back = await prepared.restore(await initialValues(prepared));
  expect(Buffer.compare(await toBytes(back), await toBytes(model))).toBe(0);
  return prepared;
}

export function expectClose(before: Record<string, Value>, after: Record<string, Value>, tolerance: number): void {
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [name, expected] of Object.entries(before)) {
    const found = after[name]!;
    expect([name, found.dims]).toEqual([name, expected.dims]);
    const [a, b] = [asNumbers(expected), asNumbers(found)];
    let largest = 0;
    let worst = 0;
    for (let i = 0; i < a.length; i++) {
      largest = Math.max(largest, Math.abs(a[i]!));
      worst = Math.max(worst, Math.abs(a[i]! - b[i]!));
    }
    expect(worst, `${name}: largest difference`).toBeLessThanOrEqual(tolerance * largest);
    expect(largest, `${name} is not all zeros`).toBeGreaterThan(0);
  }
}
