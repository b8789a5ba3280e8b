// A recipe is plain JSON: a list of steps, each a method and its options. One object drives the command line, the
// library, the page, and the metadata in the output.

import { z } from "zod";
import { invalid } from "./base/errors.js";
import { parseOptions } from "./base/options.js";
import { registry } from "./base/registry.js";
import { cleanStep } from "./passes/clean.js";
import { upgradeStep } from "./passes/upgrade.js";
import { pruneStep } from "./prune/prune.js";
import { quantizeStep } from "./quantize/quantize.js";
import type { Step } from "./step/step.js";
import { finetuneStep } from "./train/finetune.js";

const list = [cleanStep, upgradeStep, pruneStep, quantizeStep, finetuneStep] as const;

/** The steps a recipe may hold. Outsiders pass `{ methods: [mine] }` to `compress`; the list itself never changes. */
export const steps = registry<Step>("method", list);

type Known = (typeof list)[number];
type StepOf<S> = S extends { readonly name: infer Name; readonly options: infer Options extends z.ZodType }
  ? { readonly method: Name } & Readonly<z.input<Options>>
  : never;

/** One step: its method's name and options; a wrong name or option does not compile. */
export type RecipeStep = StepOf<Known> | { readonly method: `custom:${string}`; readonly [option: string]: unknown };
export type Recipe = readonly RecipeStep[];

/** A step with its options parsed and its defaults filled in. */
export interface PlannedStep {
  readonly step: Step;
  readonly options: Record<string, unknown>;
}

/** The metadata_props key under which an output carries the recipe that made it. */
export const RECIPE_KEY = "pare.recipe";

const shape = z.array(z.looseObject({ method: z.string() }), {
  error: "a recipe is a JSON array of steps, each an object with a method",
});

/**
 * Checks a recipe from JSON text or as a value, and fills in defaults. Throws `invalid("recipe-invalid")` when it is
 * not a list of steps, `method-unknown` and `option-*` with a suggestion otherwise.
 */
export function parseRecipe(input: unknown, methods: readonly Step[] = []): readonly PlannedStep[] {
  const value = typeof input === "string" ? parseJson(input) : input;
  const parsed = shape.safeParse(value);
  if (!parsed.success) {
    throw invalid("recipe-invalid", "This is not a recipe.", {
      expected: '[{ "method": "quantize", "weights": "int8" }, ...]',
      found: z.prettifyError(parsed.error).split("\n")[0],
    });
  }
  const known = methods.length === 0 ? steps : registry<Step>("method", [...steps.list, ...methods]);
  return parsed.data.map(({ method, ...options }, index) => {
    const step = known.get(method);
    return { step, options: parseOptions(step, options, `step ${index + 1} (${method})`) };
  });
}

/** The planned steps as JSON again: what is written into the output and shown to people. */
export const printRecipe = (plan: readonly PlannedStep[]): string =>
  JSON.stringify(plan.map(({ step, options }) => ({ method: step.name, ...options })));

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid("recipe-invalid", "The recipe is not valid JSON.", {
      found: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
