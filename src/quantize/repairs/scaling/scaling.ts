// What SmoothQuant and AWQ share: groups of products, their activations, one choice of factors for each, and the new model.

import { internal } from "../../../base/errors.js";
import { info, type Note, warning } from "../../../base/note.js";
import { observe, type Shape } from "../../../engine/observe.js";
import { run } from "../../../engine/run.js";
import { GraphEditor } from "../../../ir/edit.js";
import { label, type Model } from "../../../ir/model.js";
import { calibrationData } from "../../../statistics/data.js";
import type { StepContext } from "../../../step/step.js";
import { fromFloat16 } from "../../../tensor/float16.js";
import type { Feeds, Value } from "../../../tensor/value.js";
import { prepare } from "../../prepare.js";
import type { Given, Repaired } from "../repair.js";
import { type Activations, activationsOf } from "./activations.js";
import { applyScales } from "./apply.js";
import { type Group, groupsOf } from "./groups.js";
import { best, type Choice, candidate, type Family } from "./search.js";
import { type ActivationCodes, Trial } from "./trial.js";

export interface Scaling {
  /** The repair's name: codes of Notes start with it. */
  readonly name: string;
  /** How activations will be quantized; undefined: they stay float. */
  readonly codes: ActivationCodes | undefined;
  /** The ways to scale a group; where alpha is given, the first of them is taken. */
  families(group: Group, activations: Activations, editor: GraphEditor): Promise<readonly Family[]>;
}

/**
 * The model that computes the same with other factors between activations and weights. Throws
 * `invalid("calibration-empty")`.
 */
export async function rescaled({ model: given, settings, context }: Given, scaling: Scaling): Promise<Repaired> {
  const { name } = scaling;
  const { alpha } = settings;
  const limit = settings.calibrationSamples;
  const data = await calibrationData(context, limit);
  const model = await prepare(given);
  const first = data.first.feeds;
  const shapes: ReadonlyMap<string, Shape> = (await observe(model, { feeds: first }, context)).values;
  const editor = new GraphEditor(model.graph);
  const { groups, refusals } = groupsOf(model, editor, settings, shapes);
  const notes: Note[] = refusals.map(({ node, value, reason }) =>
    info(`${name}-refused`, `The channels of "${value}" keep their sizes: ${reason}.`, label(node)),
  );
  if (data.synthetic && groups.length > 0) {
    notes.push(warning(`${name}-synthetic`, "The factors follow synthetic inputs; give real data for better ones."));
  }
  const trial = new Trial(context);
  let changed = 0;
  try {
    let done = 0;
    for await (const [group, activations] of activationsOf({ model, shapes, data, limit, context }, groups)) {
      context.onProgress?.({ task: name, done: done++, total: groups.length });
      const families = await scaling.families(group, activations, editor);
      const choice: Choice =
        alpha === "search"
          ? await best({ trial, editor, context, codes: scaling.codes }, group, activations, families)
          : { best: candidate(families[0]!, alpha), ratio: 1 };
      if (choice.best) {
        await applyScales(editor, group, choice.best.scales);
        changed++;
      }
      notes.push(noteOf(name, group, choice));
    }
  } finally {
    await trial.release();
  }
  if (changed === 0) return { model: given, notes };
  const result = { ...model, graph: editor.done() };
  await checkEqual(name, model, result, first, context);
  return { model: result, notes };
}

function noteOf(name: string, group: Group, { best: found, ratio }: Choice): Note {
  const { node } = group.factors[0]!;
  const layers = group.factors.length === 1 ? "its product" : `its ${group.factors.length} products`;
  if (found === undefined) {
    return info(`${name}-left`, `The channels of "${group.value}" are best left as they are.`, label(node));
  }
  const gain = ratio < 1 ? `: ${layers} quantized are off by ${(100 * ratio).toFixed(0)} % of what they were` : "";
  return info(
    `${name}-scaled`,
    `The channels of "${group.value}" are rescaled with ${found.name}${gain}.`,
    label(node),
  );
}

/** Rescaling keeps what the model computes but for rounding: float32 by far, float16 by much of this. */
const TOLERANCE = { float32: 1e-3, float16: 5e-2 };

/** A wrong fold must never leave this file: the two models are run once on the same sample. */
async function checkEqual(name: string, before: Model, after: Model, feeds: Feeds, context: StepContext) {
  const [wanted, found] = [await run(before, feeds, context), await run(after, feeds, context)];
  for (const [output, value] of Object.entries(wanted)) {
    const [a, b] = [numbersOf(value), numbersOf(found[output]!)];
    if (a === undefined || b === undefined) continue;
    let [error, size] = [0, 0];
    for (let at = 0; at < a.length; at++) {
      if (!Number.isFinite(a[at]!)) continue;
      error += (a[at]! - b[at]!) ** 2;
      size += a[at]! ** 2;
    }
    const tolerance = value.dtype === "float16" ? TOLERANCE.float16 : TOLERANCE.float32;
    if (error <= tolerance ** 2 * size) continue;
    throw internal(`repair ${name} changed what the model computes`, {
      node: output,
      expected: `a relative difference of at most ${tolerance}`,
      found: Math.sqrt(error / size).toPrecision(3),
      hint: `Leave ${name} out of the repairs, and report the model.`,
    });
  }
}

function numbersOf({ dtype, data }: Value): ArrayLike<number> | undefined {
  if (dtype === "float16") return fromFloat16(data as Uint16Array);
  return dtype === "float32" || dtype === "float64" ? (data as Float32Array | Float64Array) : undefined;
}
