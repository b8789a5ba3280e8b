// One step of a recipe by itself, run by a verb that gives it more than a recipe holds, and wants more of it than a model.

import type { Note } from "./base/note.js";
import { applyPlan } from "./compress.js";
import type { Model } from "./ir/model.js";
import { parseRecipe, type RecipeStep } from "./recipe.js";
import { type ServiceOptions, withServices } from "./services.js";
import type { Step, StepContext, StepResult } from "./step/step.js";

export interface StepRun<Done> {
  readonly model: Model;
  /** Of the data and the engine, then of the step. */
  readonly notes: readonly Note[];
  /** What `apply` gave. */
  readonly done: Done;
  readonly seconds: number;
}

/**
 * Checks the step's options as a recipe's, applies it by `apply`, and writes it into the model's metadata. `verify`: checks the
 * invariants of the graph that comes out. Throws what parsing and `apply` throw.
 */
export async function runStep<Options, Done extends StepResult>(
  model: Model,
  stated: RecipeStep,
  { verify = false, ...services }: ServiceOptions & { readonly verify?: boolean | undefined },
  apply: (model: Model, options: Options, context: StepContext) => Promise<Done>,
): Promise<StepRun<Done>> {
  const [planned] = parseRecipe([stated]);
  return withServices(model, services, async (context) => {
    let done: Done | undefined;
    const step: Step = {
      ...planned!.step,
      async apply(given, options, inner) {
        done = await apply(given, options as Options, inner);
        return done;
      },
    };
    const begun = context.now();
    const made = await applyPlan(model, [{ ...planned!, step }], context, verify);
    const seconds = (context.now() - begun) / 1000;
    return { model: made.model, notes: [...context.notes, ...made.notes], done: done!, seconds };
  });
}
