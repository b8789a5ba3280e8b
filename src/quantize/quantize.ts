// The quantize step: weights, and where asked activations, in fewer bits.

import type { Note } from "../base/note.js";
import type { Model } from "../ir/model.js";
import { defineStep, type StepResult } from "../step/step.js";
import { chosenRepairs } from "./repairs/choose.js";
import type { Given, Repair } from "./repairs/index.js";
import { quantizeOptions } from "./schema.js";
import { chooseScheme, type Scheme } from "./schemes/index.js";

/**
 * `{ method: "quantize", weights, activations, ... }`. Throws `invalid("quantize-options")` for options that contradict
 * each other or would do nothing, `unsupported("heap-limit")`, and what raising the opset throws. Weights are read when the result is.
 */
export const quantizeStep = defineStep({
  name: "quantize",
  summary: "Store weights, and where asked compute, in fewer bits",
  options: quantizeOptions,
  async apply(model, options, context) {
    // One seed for everything random, unless the recipe states its own.
    const seed = options.rounding === "stochastic" ? (options.seed ?? context.seed) : options.seed;
    const { scheme, settings } = chooseScheme({ ...options, seed }, context.target);
    return withRepairs(scheme, chosenRepairs(settings), { model, settings, context });
  },
});

/** Repairs of the float model, the scheme, repairs of what it made. */
async function withRepairs(
  scheme: Scheme,
  repairs: readonly Repair[],
  { model: given, settings, context }: Omit<Given, "original">,
): Promise<StepResult> {
  const notes: Note[] = [];
  const keep = [...settings.keep];
  let model = given;
  for (const repair of repairs.filter(({ stage }) => stage === "before")) {
    context.signal?.throwIfAborted();
    const repaired = await repair.apply({ model, original: given, settings, context });
    model = repaired.model;
    notes.push(...repaired.notes);
    keep.push(...(repaired.keep ?? []));
  }
  const original = model;
  const result = await scheme.apply(model, { ...settings, keep }, context);
  notes.push(...result.notes);
  // Nothing to compare where the scheme found nothing to do: the repaired model then is as good as the given one.
  if (result.model === original) return { model: given, notes, float: given };
  model = await withRest(scheme, { model: result.model, settings: { ...settings, keep }, context }, notes);
  for (const repair of repairs.filter(({ stage }) => stage === "after")) {
    context.signal?.throwIfAborted();
    const repaired = await repair.apply({ model, original, settings, context });
    model = repaired.model;
    notes.push(...repaired.notes);
  }
  return { model, notes, float: original };
}

/** The scheme that serves what is left takes it, and says what it did; what it leaves the first has explained. */
async function withRest(
  first: Scheme,
  { model, settings, context }: Omit<Given, "original">,
  notes: Note[],
): Promise<Model> {
  const options = first.rest?.(settings);
  if (options === undefined) return model;
  const { scheme, settings: own } = chooseScheme(options, context.target);
  const result = await scheme.apply(model, { ...own, keep: settings.keep }, context);
  notes.push(...result.notes.filter(({ code }) => code.startsWith("quantized-")));
  return result.model;
}
