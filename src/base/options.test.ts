import { describe, expect, it } from "vitest";
import { z } from "zod";
import { parseStrict } from "./options.js";

const schema = z.object({
  weights: z.enum(["int8", "int4", "float16"]).default("int8"),
  group: z.number().int().min(1).max(256).optional(),
  keep: z.array(z.string()).default([]),
  symmetric: z.boolean().optional(),
  layers: z.array(z.strictObject({ match: z.string(), weights: z.string().optional() })).optional(),
  axis: z.union([z.number(), z.strictObject({ name: z.string() })]).optional(),
  even: z.number().multipleOf(2).optional(),
});

describe("wrong options say what is expected, what was found and what to write", () => {
  it.each([
    [{ wieghts: "int8" }, { code: "option-unknown", hint: 'Did you mean "weights"?' }],
    [
      { layers: [{ match: "a", wieghts: "int8" }] },
      {
        code: "option-unknown",
        message: 'There is no option "wieghts" in layers.0 of the step.',
        expected: "match, weights",
        hint: 'Did you mean "weights"?',
      },
    ],
    [{ axis: { name: "x", nam: "y" } }, { hint: 'Did you mean "name"?' }],
    [
      { weights: "in4" },
      { code: "option-invalid", expected: "int8, int4, float16", found: '"in4"', hint: 'Did you mean "int4"?' },
    ],
    [{ group: 300 }, { message: 'Option "group" of the step is wrong.', expected: "at most 256", found: "300" }],
    [{ group: 0 }, { expected: "at least 1" }],
    [{ group: 1.5 }, { expected: "a whole number" }],
    [{ group: "32" }, { expected: "a number", hint: "Write 32, without quotes." }],
    [{ keep: "conv1" }, { expected: "a list", hint: 'Write ["conv1"].' }],
    [{ symmetric: "true" }, { expected: "true or false", hint: "Write true, without quotes." }],
    [
      { layers: [{}] },
      { message: 'Option "layers.0.match" of the step is wrong.', expected: "text", found: "nothing" },
    ],
    [{ even: 3 }, { message: expect.stringMatching(/is wrong: .*multiple of 2/) }],
  ])("%j", (options, error) => {
    let found: unknown;
    try {
      parseStrict(schema, options, "the step");
    } catch (thrown) {
      found = thrown;
    }
    expect(found).toMatchObject(error);
  });
});
