import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { example } from "../tests/support/package.js";
import { compress } from "./compress.js";
import { load } from "./load.js";
import { save } from "./save.js";
import { saveVerified } from "./save-verified.js";
import { defineStep } from "./step/step.js";
import { tensor } from "./tensor/tensor.js";
import { verify } from "./verify.js";

let folder = "";
let path = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "pare-verify-"));
  path = join(folder, "model.onnx");
  copyFileSync(join(example, "model.onnx"), path);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const coarse = async () =>
  (await compress(await load(path), [{ method: "quantize", weights: "uint4", form: "extract" }])).model;
/** Less than any session of the example needs: verification has to go by segments. */
const SMALL = 100_000;

/** What 4-bit weights cost here: far from exact, and not nothing. */
function expectCoarse(sqnrDb: number): void {
  expect(sqnrDb).toBeGreaterThan(5);
  expect(sqnrDb).toBeLessThan(40);
}

describe("verify", () => {
  test("a changed model is not taken for the file it was loaded from", async () => {
    const found = await verify(await load(path), await coarse(), { memory: SMALL });
    expect(found.verified).toBe("segments");
    expectCoarse(found.outputs[0]!.sqnrDb);
  });

  test("two files too large for this process are verified by another one", async () => {
    const out = join(folder, "apart.onnx");
    await save(await coarse(), out);
    const found = await verify(await load(path), await load(out), { memory: SMALL });
    expect(found.verified).toBe("segments");
    expectCoarse(found.outputs[0]!.sqnrDb);
  });

  test("an input that was replaced by the output is not compared with itself", async () => {
    const own = join(folder, "own.onnx");
    copyFileSync(path, own);
    const original = await load(own);
    const { model } = await compress(original, [{ method: "quantize", weights: "uint4", form: "extract" }]);
    const { verification } = await saveVerified(original, model, own, { memory: SMALL });
    expectCoarse(verification.outputs[0]!.sqnrDb);
  });
});

describe("saveVerified", () => {
  const poison = defineStep({
    name: "custom:poison",
    summary: "Makes the first bias NaN",
    options: z.object({}),
    apply: async (model) => {
      const [name, bias] = [...model.graph.initializers].find(([, weight]) => weight.dims.length === 1)!;
      const bad = tensor("float32", bias.dims, new Float32Array(bias.dims[0]!).fill(Number.NaN));
      const initializers = new Map(model.graph.initializers).set(name, bad);
      return { model: { ...model, graph: { ...model.graph, initializers } }, notes: [] };
    },
  });

  test.each([
    { name: "before it is written", memory: undefined },
    { name: "or taken away again when it is too large for that", memory: SMALL },
  ])("refuses a result with NaN, $name", async ({ memory }) => {
    const out = join(folder, "poisoned.onnx");
    const original = await load(path);
    const { model } = await compress(original, [{ method: "custom:poison" }], { methods: [poison] });
    await expect(saveVerified(original, model, out, { memory })).rejects.toMatchObject({ code: "verification-failed" });
    expect(existsSync(out)).toBe(false);
  });

  test("refuses a result that the runtime does not load, where it loads the original", async () => {
    const out = join(folder, "broken.onnx");
    const original = await load(path);
    const { origin: _, ...rest } = original;
    const { graph } = original;
    const nodes = graph.nodes.map((node, at) => (at === 0 ? { ...node, opType: "NoSuchOperator" } : node));
    const broken = { ...rest, graph: { ...graph, nodes } };
    await expect(saveVerified(original, broken, out)).rejects.toMatchObject({ code: "verification-failed" });
    expect(existsSync(out)).toBe(false);
  });
});
