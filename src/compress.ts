// The main flow: a model and a recipe go in, the model that the recipe's steps made comes out, with their notes.
// Read this first: every method of pare is a step that this loop applies.

import { PareError } from "./base/errors.js";
import type { Note } from "./base/note.js";
import { mapGraphsSync } from "./ir/map.js";
import type { Model } from "./ir/model.js";
import { topological } from "./ir/traverse.js";
import { assertValid } from "./ir/verify.js";
import { lowestIrVersion } from "./onnx/ir-version.js";
import { type PlannedStep, parseRecipe, printRecipe, RECIPE_KEY, type Recipe } from "./recipe.js";
import { type ServiceOptions, withServices } from "./services.js";
import type { Step, StepContext } from "./step/step.js";

export interface CompressOptions extends ServiceOptions {
  /** Own steps, beside pare's. */
  readonly methods?: readonly Step[];
  /** Check the invariants of `ir/verify` after every step. */
  readonly verify?: boolean;
}

export interface CompressResult {
  readonly model: Model;
  /** What the last step that rounds was applied to, once repaired: what `explain` compares the result with. */
  readonly float?: Model;
  /** In the order of the steps. */
  readonly steps: readonly { readonly method: string; readonly notes: readonly Note[] }[];
  /** All notes: of the data and the engine, then of the steps. */
  readonly notes: readonly Note[];
}

/**
 * Applies the steps of a recipe in order. The input model is never changed; weights of the result are computed when
 * they are pulled, by `save` or the engine. Throws PareError naming the step that failed, and `invalid("graph-cycle")`.
 */
export async function compress(
  model: Model,
  recipe: Recipe | string,
  options: CompressOptions = {},
): Promise<CompressResult> {
  const plan = parseRecipe(recipe, options.methods);
  return withServices(model, options, async (services) => {
    const result = await applyPlan(model, plan, services, options.verify ?? false);
    return { ...result, notes: [...services.notes, ...result.notes] };
  });
}

/** `compress` with the plan parsed and the services open: the loop itself. */
export async function applyPlan(
  model: Model,
  plan: readonly PlannedStep[],
  context: StepContext,
  verify = false,
): Promise<CompressResult> {
  const done: { method: string; notes: readonly Note[] }[] = [];
  let current = plan.length === 0 ? model : inOrder(model);
  let float: Model | undefined;
  for (const [index, { step, options }] of plan.entries()) {
    context.signal?.throwIfAborted();
    context.onProgress?.({ task: step.name, done: index, total: plan.length });
    const result = await applyStep(current, { step, options }, context);
    if (verify) assertValid(result.model);
    current = result.model;
    float = result.float ?? float;
    done.push({ method: step.name, notes: result.notes });
  }
  const stamped = plan.length === 0 ? model : stamp(current, plan);
  return { model: stamped, steps: done, notes: done.flatMap((d) => d.notes), ...(float && { float }) };
}

/** Steps count on nodes that stand after those they need, as ONNX prescribes; ONNX Runtime loads files in any order. */
const inOrder = (model: Model): Model =>
  mapGraphsSync(
    model,
    (graph) => {
      const nodes = topological(graph);
      return nodes.every((node, at) => node === graph.nodes[at]) ? graph : { ...graph, nodes };
    },
    { functions: true },
  );

async function applyStep(model: Model, { step, options }: PlannedStep, context: StepContext) {
  try {
    return await step.apply(model, options, context);
  } catch (error) {
    if (error instanceof PareError || context.signal?.aborted) throw error;
    const text = error instanceof Error ? error.message : String(error);
    throw new PareError(`internal: step "${step.name}" failed: ${text}`, {
      code: "step-failed",
      kind: "internal",
      cause: error,
    });
  }
}

/** The output says how it was made, and needs no newer runtime than it must. */
function stamp(model: Model, plan: readonly PlannedStep[]): Model {
  const earlier = model.metadata.get(RECIPE_KEY);
  const recipe = printRecipe(plan);
  const metadata = new Map(model.metadata).set(RECIPE_KEY, earlier ? joinRecipes(earlier, recipe) : recipe);
  const stamped = { ...model, metadata };
  return { ...stamped, irVersion: lowestIrVersion(stamped) };
}

/** A model that pare made before keeps its history: the steps are listed one after the other. */
function joinRecipes(earlier: string, later: string): string {
  try {
    const steps: unknown = JSON.parse(earlier);
    if (Array.isArray(steps)) return JSON.stringify([...steps, ...(JSON.parse(later) as unknown[])]);
  } catch {
    // Not ours: replaced.
  }
  return later;
}
