import { describe, expect, test } from "vitest";
import { z } from "zod";
import { compress } from "./compress.js";
import { graphBuilder } from "./ir/build.js";
import { RECIPE_KEY } from "./recipe.js";
import { defineStep } from "./step/step.js";
import { random } from "./tensor/random.js";
import { float32 } from "./tensor/tensor.js";

function small() {
  const { normal } = random(1);
  const graph = graphBuilder("small");
  const x = graph.input("x", "float32", ["batch", 32]);
  const w = graph.initializer("w", float32([32, 16], Array.from({ length: 512 }, normal)));
  const y = graph.node("Identity", [graph.node("MatMul", [x, w])], { outputs: ["y"] });
  graph.output(String(y), "float32", ["batch", 16]);
  return graph.model({ opset: 17 });
}

describe("compress", () => {
  test("does nothing at all for an empty recipe", async () => {
    const model = small();
    expect((await compress(model, [])).model).toBe(model);
  });

  test("takes nodes in any order, as ONNX Runtime does", async () => {
    const model = small();
    const turned = { ...model, graph: { ...model.graph, nodes: [...model.graph.nodes].reverse() } };
    const { model: cleaned } = await compress(turned, [{ method: "clean" }], { verify: true });
    expect(cleaned.graph.nodes.map(({ opType }) => opType)).toEqual(["MatMul"]);
    expect([...cleaned.graph.initializers.keys()]).toEqual(["w"]);
  });

  test("applies the steps in order, keeps the input, and writes the recipe into the output", async () => {
    const model = small();
    const nodes = [...model.graph.nodes];
    const result = await compress(
      model,
      [{ method: "clean" }, { method: "quantize", weights: "int8", form: "extract" }],
      {
        verify: true,
      },
    );
    expect(model.graph.nodes).toEqual(nodes);
    expect(result.steps.map(({ method }) => method)).toEqual(["clean", "quantize"]);
    expect(result.model.graph.nodes.map(({ opType }) => opType)).not.toContain("Identity");
    expect(JSON.parse(result.model.metadata.get(RECIPE_KEY)!)).toMatchObject([
      { method: "clean" },
      { method: "quantize", weights: "int8" },
    ]);
  });

  test("a second recipe is added to the first in the metadata", async () => {
    const first = await compress(small(), [{ method: "clean" }]);
    const second = await compress(first.model, [{ method: "upgrade", opset: 21 }]);
    expect(JSON.parse(second.model.metadata.get(RECIPE_KEY)!)).toMatchObject([
      { method: "clean" },
      { method: "upgrade" },
    ]);
    expect(second.model.opsets.get("")).toBe(21);
  });

  test("takes steps of one's own, with parsed options", async () => {
    const rename = defineStep({
      name: "custom:rename",
      summary: "Renames the graph",
      options: z.object({ to: z.string().default("renamed") }),
      apply: async (model, { to }) => ({ model: { ...model, graph: { ...model.graph, name: to } }, notes: [] }),
    });
    const { model } = await compress(small(), [{ method: "custom:rename" }], { methods: [rename] });
    expect(model.graph.name).toBe("renamed");
    await expect(compress(small(), [{ method: "custom:rename", too: 1 }], { methods: [rename] })).rejects.toMatchObject(
      {
        code: "option-unknown",
      },
    );
  });

  test("names the step that failed for a reason of its own", async () => {
    const broken = defineStep({
      name: "custom:broken",
      summary: "Fails",
      options: z.object({}),
      apply: async () => {
        throw new TypeError("x is not y");
      },
    });
    await expect(compress(small(), [{ method: "custom:broken" }], { methods: [broken] })).rejects.toMatchObject({
      kind: "internal",
      message: expect.stringContaining("custom:broken"),
    });
  });

  test("with verify, a step that breaks the graph is caught", async () => {
    const breaking = defineStep({
      name: "custom:break",
      summary: "Drops a weight that is used",
      options: z.object({}),
      apply: async (model) => ({ model: { ...model, graph: { ...model.graph, initializers: new Map() } }, notes: [] }),
    });
    await expect(
      compress(small(), [{ method: "custom:break" }], { methods: [breaking], verify: true }),
    ).rejects.toThrow();
  });

  test("stops when asked to", async () => {
    const signal = AbortSignal.abort();
    await expect(compress(small(), [{ method: "clean" }], { signal })).rejects.toMatchObject({ name: "AbortError" });
  });

  test("the same input, recipe and seed give the same bytes", async () => {
    const { saveBytes } = await import("./save.js");
    const make = async () =>
      saveBytes((await compress(small(), [{ method: "quantize", weights: "uint4", form: "extract" }])).model);
    expect(await make()).toEqual(await make());
  });
});
