import { describe, expect, test } from "vitest";
import { services } from "../../tests/support/services.js";
import { run } from "../engine/run.js";
import { graphBuilder } from "../ir/build.js";
import { float32 } from "../tensor/tensor.js";
import { backward } from "./backward.js";
import { Emitter, type ValueShape } from "./emitter.js";

const shapes: Readonly<Record<string, ValueShape>> = {
  x: { dtype: "float32", dims: [2, 3] },
  w: { dtype: "float32", dims: [3, 4] },
  b: { dtype: "float32", dims: [4] },
};
const open = () => new Emitter({ shape: (name) => shapes[name], has: (name) => name in shapes });
const types = (emit: Emitter, from = 0) => emit.nodes.slice(from).map(({ opType }) => opType);

describe("which nodes are differentiated", () => {
  test("only those between the targets and the loss", () => {
    const emit = open();
    const product = emit.matmul("x", "w");
    const loss = emit.total(emit.add(product, "b"));
    emit.exp(product); // Stands beside the path.
    const nodes = [...emit.nodes];
    const found = backward({ nodes, loss, targets: ["b"] }, emit);
    expect([...found.keys()]).toEqual(["b"]);
    expect(types(emit, nodes.length)).not.toContain("MatMul");
    expect(emit.dims(found.get("b")!)).toEqual([4]);
  });

  test("a target that the loss does not depend on has no gradient", () => {
    const emit = open();
    const loss = emit.total("x");
    expect(backward({ nodes: [...emit.nodes], loss, targets: ["w"] }, emit)).toEqual(new Map());
  });

  test("the seed is the gradient of the loss", async () => {
    const emit = open();
    const loss = emit.total(emit.mul("b", "b"));
    const nodes = [...emit.nodes];
    const gradient = backward({ nodes, loss, targets: ["b"], seed: emit.number(8) }, emit).get("b")!;
    expect(await numbersOf(emit, gradient)).toEqual([16, 32, 48, 64]);
  });

  test("several uses of one value are summed", async () => {
    const emit = open();
    const twice = emit.add("b", "b");
    const loss = emit.total(emit.add(emit.mul(twice, "b"), emit.exp(emit.scale("b", 0))));
    const gradient = backward({ nodes: [...emit.nodes], loss, targets: ["b"] }, emit).get("b")!;
    expect(await numbersOf(emit, gradient)).toEqual([4, 8, 12, 16]);
  });
});

describe("a missing rule", () => {
  const mystery = () => {
    const emit = open();
    const product = emit.matmul("x", "w");
    const odd = emit.op("Det", [product], { dims: [2, 4], domain: "some.domain" });
    const loss = emit.total(emit.add(odd, "b"));
    return { emit, loss, nodes: [...emit.nodes] };
  };

  test("is reported with what it blocks, before anything is written", () => {
    const { emit, loss, nodes } = mystery();
    expect(() => backward({ nodes, loss, targets: ["w", "b"] }, emit)).toThrow(
      expect.objectContaining({
        code: "gradient-missing",
        message: expect.stringContaining("some.domain:Det"),
        found: "it blocks 1 of 2 weights: w",
      }),
    );
    expect(emit.nodes.length).toBe(nodes.length);
  });

  test("does not matter where no wanted gradient flows", () => {
    const { emit, loss, nodes } = mystery();
    expect([...backward({ nodes, loss, targets: ["b"] }, emit).keys()]).toEqual(["b"]);
  });
});

/** With b = 1, 2, 3, 4. */
async function numbersOf(emit: Emitter, name: string): Promise<number[]> {
  const builder = graphBuilder();
  builder.initializer("b", float32([4], [1, 2, 3, 4]));
  for (const [constant, value] of emit.initializers) builder.initializer(constant, value);
  builder.output(name);
  const model = { ...builder.model(), graph: { ...builder.graph(), nodes: emit.nodes } };
  return [...((await run(model, {}, services))[name]!.data as Float32Array)];
}
