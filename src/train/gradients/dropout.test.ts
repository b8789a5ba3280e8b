import { expect, test } from "vitest";
import { services } from "../../../tests/support/services.js";
import { run } from "../../engine/run.js";
import { graphBuilder, makeNode } from "../../ir/build.js";
import type { Node } from "../../ir/model.js";
import { float32, tensor } from "../../tensor/tensor.js";
import { backward } from "../backward.js";
import { Emitter } from "../emitter.js";

const dims = [40, 25];
const constants = { ratio: float32([], [0.75]), training: tensor("bool", [], Uint8Array.of(1)) };
const source = {
  shape: (name: string) =>
    name === "x" ? { dtype: "float32" as const, dims } : constants[name as keyof typeof constants],
  has: (name: string) => name === "x" || name in constants,
  constant: (name: string) => constants[name as keyof typeof constants],
};

function differentiated(node: Node) {
  const emit = new Emitter(source);
  emit.nodes.push(node);
  emit.declare("y", { dtype: "float32", dims });
  emit.declare("mask", { dtype: "bool", dims });
  const loss = emit.total(emit.mul("y", "x"));
  return { emit, gradient: backward({ nodes: [...emit.nodes], loss, targets: ["x"] }, emit).get("x")! };
}

test("training: what was kept gets the scaled gradient, what was dropped none", async () => {
  const node = makeNode("Dropout", ["x", "ratio", "training"], ["y", "mask"], { attributes: { seed: 5 } });
  const { emit, gradient } = differentiated(node);
  const builder = graphBuilder();
  builder.input("x", "float32", dims);
  for (const [name, value] of [...Object.entries(constants), ...emit.initializers]) builder.initializer(name, value);
  for (const name of ["y", "mask", gradient]) builder.output(name);
  const model = { ...builder.model(), graph: { ...builder.graph(), nodes: emit.nodes } };
  const x = Float32Array.from({ length: 1000 }, (_, i) => 1 + i / 100);
  const made = await run(model, { x: { dtype: "float32", dims, data: x } }, services);
  const mask = [...(made.mask!.data as Uint8Array)];
  const kept = mask.filter((value) => value === 1).length;
  expect(kept).toBeGreaterThan(150);
  expect(kept).toBeLessThan(350);
  // The loss is y x: y itself flows back beside the way through the dropout.
  const expected = mask.map((value, i) => Math.fround(8 * value * x[i]!));
  expect([...(made[gradient]!.data as Float32Array)]).toEqual(expected);
});

test("training without the mask is refused", () => {
  const node = makeNode("Dropout", ["x", "ratio", "training"], ["y"], { name: "drop" });
  expect(() => differentiated(node)).toThrow(expect.objectContaining({ code: "gradient-dropout", node: "drop" }));
});
