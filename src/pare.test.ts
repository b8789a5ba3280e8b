import { describe, expect, test } from "vitest";
import { choose, formsFor } from "./pare.js";
import { parseRecipe } from "./recipe.js";
import { targets } from "./targets/index.js";

const attempt = (bytes: number, passed = true, latency: Record<string, number> = { native: 1 }) => ({
  bytes,
  passed,
  latency,
});

describe("choose", () => {
  test("of one speed the smallest that passed", () => {
    const small = attempt(100);
    expect(choose([attempt(50, false), attempt(200), small])).toBe(small);
  });

  test("a faster form may be larger, as long as size times time is less", () => {
    const fast = attempt(130, true, { native: 0.6, wasm: 0.7 });
    expect(choose([attempt(100), fast])).toBe(fast);
    const small = attempt(100);
    expect(choose([small, attempt(130, true, { native: 0.6, wasm: 0.8 })])).toBe(small);
  });

  test("the slowest engine counts, and what was not timed counts as float", () => {
    const both = attempt(100, true, { native: 0.8, wasm: 0.8 });
    expect(choose([attempt(100, true, { native: 0.5, wasm: 1.05 }), both, attempt(90, true, {})])).toBe(both);
  });

  test("nothing when nothing passed", () => {
    expect(choose([attempt(1, false)])).toBeUndefined();
  });
});

describe("formsFor", () => {
  test.each(targets.list.map((target) => ({ name: target.name, target })))(
    "$name: every form is a recipe",
    ({ target }) => {
      const forms = formsFor(target);
      for (const { recipe } of forms) expect(parseRecipe(recipe)).toHaveLength(1);
      // The last resort is there for every target: half the size, as near as float16.
      expect(forms.at(-1)?.form).toBe("float16 stored");
    },
  );

  test("packed products are tried only where they are fast", () => {
    const names = (target: string) => formsFor(targets.get(target)).map(({ form }) => form);
    expect(names("node")).toContain("int4 blocks");
    expect(names("any")).not.toContain("int4 blocks");
    expect(names("webgpu")).not.toContain("int8 dynamic");
  });

  test("static int8 is tried only on real data, where the runtime fuses it", () => {
    const names = (target: string, synthetic: boolean) =>
      formsFor(targets.get(target), synthetic).map(({ form }) => form);
    expect(names("node", false)).toContain("int8 static");
    expect(names("node", true)).not.toContain("int8 static");
    expect(names("webgpu", false)).not.toContain("int8 static");
  });
});
