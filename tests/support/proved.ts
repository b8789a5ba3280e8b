// A pass applied to a small model, with the proof on the engine that what the model computes stays.

import { expect } from "vitest";
import { type GraphBuilder, graphBuilder } from "../../src/ir/build.js";
import type { Model } from "../../src/ir/model.js";
import { print } from "../../src/ir/print.js";
import { passes } from "../../src/passes/index.js";
import { random } from "../../src/tensor/random.js";
import { float32, type Tensor } from "../../src/tensor/tensor.js";
import type { Feeds, Value } from "../../src/tensor/value.js";
import { expectSameResults } from "./same-results.js";
import { services } from "./services.js";

export const normals = (dims: readonly number[], seed = 1) => {
  const r = random(seed);
  return Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => r.normal());
};
export const weight = (dims: readonly number[], seed = 1): Tensor => float32(dims, normals(dims, seed));
export const value = (dims: readonly number[], seed = 9): Value => ({
  dtype: "float32",
  dims,
  data: normals(dims, seed),
});

export function model(fill: (b: GraphBuilder) => void, options: Parameters<GraphBuilder["model"]>[0] = {}): Model {
  const b = graphBuilder("test");
  fill(b);
  return b.model(options);
}

/** Applies one pass, proves on the engine that results stay, and gives what came out. */
export async function proved(name: string, before: Model, feeds: Feeds, tolerance = 0) {
  const text = print(before);
  const result = await passes.get(name).apply(before, services);
  expect(print(before)).toBe(text);
  expect(result.changed).toBe(result.model !== before);
  await expectSameResults(before, result.model, feeds, tolerance);
  const again = await passes.get(name).apply(result.model, services);
  return { ...result, again, operators: result.model.graph.nodes.map((node) => node.opType) };
}
