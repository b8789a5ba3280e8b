// The gate: the layer that was made bad is given back, and only it; where nothing can hold, that is said and nothing breaks.

import { describe, expect, it } from "vitest";
import { compress } from "./compress.js";
import { compressWithin } from "./compress-within.js";
import type { Dataset } from "./data/dataset.js";
import { explain } from "./explain.js";
import { graphBuilder } from "./ir/build.js";
import type { Model } from "./ir/model.js";
import { assertValid } from "./ir/verify.js";
import { toBytes } from "./onnx/encode.js";
import { parseRecipe, type Recipe } from "./recipe.js";
import { parseMaxDrop } from "./search/loss.js";
import { random } from "./tensor/random.js";
import { float32 } from "./tensor/tensor.js";

const numbers = (count: number, seed: number) => {
  const source = random(seed);
  return Float32Array.from({ length: count }, () => source.normal());
};

/** Four products; one weight of the second is hundreds of times the others, which one scale for all cannot bear. */
function planted(): Model {
  const b = graphBuilder();
  let value = b.input("x", "float32", [1, 32]);
  for (const [at, name] of ["a", "bad", "c", "d"].entries()) {
    const weight = numbers(32 * 32, at + 1);
    if (name === "bad") weight[5] = 500;
    b.initializer(`${name}.weight`, float32([32, 32], weight));
    const made = b.node("MatMul", [value, `${name}.weight`], { name, outputs: [`${name}.out`] });
    value = name === "d" ? made : b.node("Relu", [made], { name: `${name}.relu` });
  }
  b.output(value, "float32", [1, 32]);
  return b.model();
}

function data(from = 100, count = 24): Dataset {
  return {
    name: "made up",
    size: count,
    labelled: false,
    synthetic: false,
    metric: undefined,
    async *samples({ limit = count } = {}) {
      for (let at = 0; at < Math.min(count, limit); at++) {
        yield { feeds: { x: { dtype: "float32", dims: [1, 32], data: numbers(32, from + at) } }, id: `${from + at}` };
      }
    },
    split: (part) => (part === "measure" ? data(from + 50) : data(from)),
  };
}

const ONE_SCALE: Recipe = [{ method: "quantize", weights: "int8", form: "extract", granularity: "tensor", minimum: 0 }];
const options = { data: data(), threads: 1 };

describe("maxDrop", () => {
  it("gives back the bad layer and no other, and the recipe makes the result again", async () => {
    const result = await compressWithin(planted(), ONE_SCALE, { ...options, maxDrop: 0.0002 });
    expect(result.reverted).toEqual([{ layers: ["bad"], to: "float", bytes: 4096 }]);
    expect(result.met).toBe(true);
    expect(result.trials[0]!.holds).toBe(false);
    expect(result.heldOut).toMatchObject({ measure: "cosine", samples: 24 });
    expect(result.heldOut.drop).toBeLessThan(0.0002);
    const again = await compress(planted(), result.recipe, options);
    expect(await toBytes(again.model)).toEqual(await toBytes(result.model));
  });

  it("changes nothing where the result is good enough as it is", async () => {
    const result = await compressWithin(planted(), ONE_SCALE, { ...options, maxDrop: "50%" });
    expect(result).toMatchObject({ met: true, reverted: [], recipe: ONE_SCALE });
    expect(result.trials).toHaveLength(1);
  });

  it("says what does not hold, and gives the best that was found, still compressed", async () => {
    const result = await compressWithin(planted(), ONE_SCALE, { ...options, maxDrop: 0 });
    expect(result.met).toBe(false);
    expect(result.unmet).toHaveLength(1);
    expect(result.heldOut.drop).toBeLessThan(result.trials[0]!.loss!.drop / 10);
    expect(result.reverted.flatMap(({ layers }) => layers)).toContain("bad");
    assertValid(result.model);
    expect((await toBytes(result.model)).byteLength).toBeLessThan((await toBytes(planted())).byteLength);
  });

  it("gives layers below 8 bits 8 bits first", async () => {
    const recipe: Recipe = [{ method: "quantize", weights: "int2", form: "extract", range: "absmax", minimum: 0 }];
    const result = await compressWithin(planted(), recipe, { ...options, maxDrop: 0.02 });
    expect(result.met).toBe(true);
    expect(result.reverted.length).toBeGreaterThan(0);
    expect(new Set(result.reverted.map(({ to }) => to))).toContain("int8");
    expect(parseRecipe(result.recipe)).toHaveLength(1);
  });
});

describe("maxSize", () => {
  it("chooses bits so that it fits", async () => {
    const recipe: Recipe = [{ method: "quantize", weights: "int8", form: "extract", minimum: 0 }];
    const maxSize = 5000;
    const result = await compressWithin(planted(), recipe, { ...options, maxSize });
    expect(result.met).toBe(true);
    expect(result.bytes).toBeLessThanOrEqual(maxSize);
    expect((await toBytes(result.model)).byteLength).toBeLessThanOrEqual(maxSize);
    expect(result.trials[0]).toMatchObject({ what: "as stated", holds: false });
  });

  it("says so where nothing is small enough", async () => {
    const result = await compressWithin(planted(), ONE_SCALE, { ...options, maxSize: 100 });
    expect(result.met).toBe(false);
    expect(result.unmet[0]).toMatch(/^size \d+ bytes, at most 100 asked for$/);
  });
});

describe("explain", () => {
  it("ranks the bad layer first, with the reason and an option that helps", async () => {
    const made = await compress(planted(), ONE_SCALE, options);
    const { layers, outputDb } = await explain(made, { ...options, samples: 8 });
    expect(layers.map(({ layer }) => layer).sort()).toEqual(["a", "bad", "c", "d"]);
    expect(layers[0]).toMatchObject({ layer: "bad", operator: "MatMul", activations: null });
    expect(layers[0]!.share).toBeGreaterThan(0.9);
    expect(layers[0]!.reason).toMatch(/one scale/);
    expect(layers[0]!.suggestion).toMatch(/granularity channel/);
    expect(layers[0]!.withoutDb! - outputDb!).toBeGreaterThan(10);
    expect(layers.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  });

  it("has nothing to explain where nothing was rounded", async () => {
    const made = await compress(planted(), [{ method: "clean" }], options);
    expect(() => explain(made, options)).toThrow(expect.objectContaining({ code: "explain-nothing" }));
  });
});

describe("limits", () => {
  it.each([
    ["1%", { value: 0.01, relative: true }],
    ["0.5 %", { value: 0.005, relative: true }],
    ["0.01", { value: 0.01, relative: false }],
    [0, { value: 0, relative: false }],
  ])("reads %s", (given, expected) => {
    expect(parseMaxDrop(given)).toEqual(expected);
  });

  it.each(["much", "-1", "", "1 point", "NaN"])("refuses %j", (given) => {
    expect(() => parseMaxDrop(given)).toThrow(expect.objectContaining({ code: "option-invalid" }));
  });

  it("refuses a recipe without quantize, and a call without a limit", () => {
    expect(() => compressWithin(planted(), [{ method: "clean" }], { maxDrop: 0 })).toThrow(
      expect.objectContaining({ code: "within-recipe" }),
    );
    expect(() => compressWithin(planted(), ONE_SCALE, {})).toThrow(expect.objectContaining({ code: "within-limits" }));
  });
});
