import { expect, test } from "vitest";
import { services } from "../../tests/support/services.js";
import { run } from "../engine/run.js";
import { graphBuilder, makeNode } from "../ir/build.js";
import type { Node } from "../ir/model.js";
import { random } from "../tensor/random.js";
import { backward } from "./backward.js";
import { Emitter, type ValueShape } from "./emitter.js";
import { poolFirst } from "./pool-first.js";

const dims = [2, 3, 7, 7];
const shapes: Record<string, ValueShape> = {
  x: { dtype: "float32", dims },
  r: { dtype: "float32", dims },
  y: { dtype: "float32", dims: [2, 3, 3, 3] },
  z: { dtype: "float32", dims: [2, 3, 3, 3] },
};
const nodes: Node[] = [
  makeNode("Relu", ["x"], ["r"], { name: "relu" }),
  makeNode("MaxPool", ["r"], ["y"], { name: "pool", attributes: { kernel_shape: [3, 3], strides: [2, 2] } }),
  makeNode("Neg", ["y"], ["z"]),
];
const emitter = () => new Emitter({ shape: (name) => shapes[name], has: (name) => name in shapes });

test("the pooling comes first, and the result keeps its name", () => {
  const changed = poolFirst(nodes, new Set(["z"]), emitter());
  expect(changed.map(({ opType }) => opType)).toEqual(["MaxPool", "Relu", "Neg"]);
  expect(changed[0]!.inputs).toEqual(["x"]);
  expect(changed[1]!.outputs).toEqual(["y"]);
});

test.each([
  ["another reader", [...nodes, makeNode("Abs", ["r"], ["a"])], []],
  ["asked for", nodes, ["r"]],
  ["indices read", [nodes[0]!, { ...nodes[1]!, outputs: ["y", "indices"] }, nodes[2]!], []],
])("stays as it is: %s", (_, list, kept) => {
  expect(poolFirst(list, new Set(kept), emitter())).toEqual(list);
});

test("results and gradients are the same bit for bit", async () => {
  const made = await Promise.all(
    [nodes, poolFirst(nodes, new Set(), emitter())].map(async (forward) => {
      const emit = emitter();
      for (const { outputs } of forward) emit.declare(outputs[0]!, shapes[outputs[0]!] ?? shapes.y!);
      emit.nodes.push(...forward);
      const loss = emit.total(emit.mul("z", "z"));
      const gradient = backward({ nodes: [...emit.nodes], loss, targets: ["x"] }, emit).get("x")!;
      const builder = graphBuilder();
      builder.input("x", "float32", dims);
      for (const [name, value] of emit.initializers) builder.initializer(name, value);
      builder.output("z");
      builder.output(gradient);
      const drawn = random(4);
      // Windows without a positive number too.
      const data = Float32Array.from({ length: 294 }, () => drawn.normal() - 1);
      const model = { ...builder.model(), graph: { ...builder.graph(), nodes: emit.nodes } };
      const results = await run(model, { x: { dtype: "float32", dims, data } }, services);
      return [results.z!.data, results[gradient]!.data].map((values) =>
        [...(values as Float32Array)].map((v) => v + 0),
      );
    }),
  );
  expect(made[1]).toEqual(made[0]);
  expect(made[0]![1]!.some((value) => value !== 0)).toBe(true);
});
