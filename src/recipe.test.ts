import { describe, expect, test } from "vitest";
import { PareError } from "./base/errors.js";
import { parseRecipe, printRecipe, steps } from "./recipe.js";

const thrown = (recipe: unknown): PareError => {
  try {
    parseRecipe(recipe);
  } catch (error) {
    if (error instanceof PareError) return error;
  }
  throw new Error("the recipe was accepted");
};

describe("parseRecipe", () => {
  test("fills in defaults, from JSON text as from a value", () => {
    const plan = parseRecipe('[{"method":"quantize","weights":"uint4"}]');
    expect(plan[0]?.options).toMatchObject({ weights: "uint4", activations: "float", keep: [] });
    expect(printRecipe(plan)).toBe(printRecipe(parseRecipe([{ method: "quantize", weights: "uint4" }])));
  });

  test("what it prints is a recipe again, and the same one", () => {
    const plan = parseRecipe(steps.names.map((method) => ({ method })));
    expect(printRecipe(parseRecipe(printRecipe(plan)))).toBe(printRecipe(plan));
  });

  test.each([
    { name: "not JSON", recipe: "[{", code: "recipe-invalid" },
    { name: "not a list", recipe: { method: "clean" }, code: "recipe-invalid" },
    { name: "a step without a method", recipe: [{ weights: "int8" }], code: "recipe-invalid" },
    { name: "an unknown method", recipe: [{ method: "quantise" }], code: "method-unknown" },
    { name: "an unknown option", recipe: [{ method: "quantize", wieghts: "int8" }], code: "option-unknown" },
    { name: "a wrong value", recipe: [{ method: "quantize", weights: "int9" }], code: "option-invalid" },
    { name: "a wrong type", recipe: [{ method: "quantize", block: "32" }], code: "option-invalid" },
  ])("refuses $name", ({ recipe, code }) => {
    expect(thrown(recipe).code).toBe(code);
  });

  test("suggests the nearest name", () => {
    expect(thrown([{ method: "quantise" }]).hint).toContain('"quantize"');
    expect(thrown([{ method: "quantize", wieghts: "int8" }]).hint).toContain('"weights"');
  });
});
