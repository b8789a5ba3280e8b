// Zeros into weights that keep their shape: which weights, how much of each, and the model whose weights are computed when they
// are pulled. One weight is in memory at a time, whatever the size of the model.

import { info, type Note, warning } from "../../base/note.js";
import { weightBytes } from "../../engine/weight-bytes.js";
import type { Initializer, Model } from "../../ir/model.js";
import { FLOAT_BYTES } from "../../kernels/numbers.js";
import type { StepContext } from "../../step/step.js";
import { prepare } from "../../weights/prepare.js";
import type { Weight } from "../../weights/weights.js";
import { shortOf } from "../scopes/counts.js";
import type { Goal, Item, Scope, ScopeContext } from "../scopes/scope.js";
import type { Score } from "../scores/index.js";
import { openScores } from "../scores/open.js";
import type { ScoreOptions } from "../scores/options.js";
import type { Chosen as Method } from "../settle.js";
import type { Cells, MaskStructure } from "../structures/structure.js";
import type { PruneRow } from "../table.js";
import { type Chosen, chooseWeights, type Kept, keptNotes, type WeightChoice } from "./choose-weights.js";
import { type Amount, MaskedWeight, type Zeros } from "./masked-weight.js";
import { replaceWeights } from "./replace-weights.js";
import { weightMacs } from "./weight-macs.js";

export interface MaskOptions extends WeightChoice {
  readonly structure: Method<MaskStructure>;
  readonly score: Method<Score>;
  readonly scoreOptions: ScoreOptions;
  readonly scope: Method<Scope>;
  /** What is to go in all, at the end of the schedule; of a pattern, which says so itself, the share is not read. */
  readonly goal: Goal;
}

/** How far the schedule is. */
interface MaskStep {
  /** Share of the goal that is reached after this step, above 0, 1 at the end. */
  readonly progress: number;
  /** There are other steps: what goes is decided now, one bit an element, and not again at every pull. */
  readonly several: boolean;
  /** From the model that nothing went of yet. */
  readonly distance: ScopeContext["distance"];
}

export interface Masked {
  /** The very model that was given where nothing went. */
  readonly model: Model;
  readonly notes: readonly Note[];
  readonly table: readonly PruneRow[];
}

/**
 * Writes zeros into the weights that the options name. What is zero already counts as gone. Weights of the result are read and
 * scored again when they are pulled, where the score needs the weights alone. Throws `invalid("pattern-..." |
 * "structure-unfit" | "weight-not-finite")` and what scores throw.
 */
export async function pruneMasks(
  given: Model,
  options: MaskOptions,
  step: MaskStep,
  context: StepContext,
): Promise<Masked> {
  const { structure, score } = options;
  const model = await prepare(given);
  const notes: Note[] = [];
  const { chosen, kept: left } = chooseWeights(model, options, notes);
  const kept = [...left];
  const names = chosen.map(({ weight }) => weight.name);
  const scores = await openScores(model, names, score.method, options.scoreOptions, context);
  const masked: MaskedWeight[] = [];
  for (const one of chosen) {
    const divided = divide(one, structure);
    const reason = typeof divided === "string" ? divided : scores.obstacle(one.weight.name);
    if (reason !== undefined) kept.push({ weight: one.weight, reason });
    else masked.push(new MaskedWeight(one, divided as Cells, scores));
  }
  const lazy = score.method.needs.length === 0 && !step.several;
  try {
    if (masked.length === 0) return { model: given, notes: [...notes, ...keptNotes(kept), nothing()], table: [] };
    const macs = await macsOf(model, masked, options, context, notes);
    const amounts = await share(model, masked, options, step, macs, context, notes);
    const made = new Map<Weight, Zeros>();
    for (const [at, weight] of masked.entries()) {
      context.signal?.throwIfAborted();
      context.onProgress?.({ task: "write zeros", done: at, total: masked.length });
      const amount = amounts[at]!;
      made.set(weight.chosen.weight, (await weight.solved(amount)) ?? (await weight.zeros(amount, !lazy)));
    }
    const values = new Map<Weight, Initializer>([...made].map(([weight, { value }]) => [weight, value]));
    return {
      model: replaceWeights(model, values),
      notes: [...notes, ...scores.notes, ...zerosNotes(made), ...keptNotes(kept)],
      table: rowsOf(made, kept, macs),
    };
  } finally {
    // What is scored again at each pull needs no statistics.
    if (!lazy) await scores.release();
  }
}

/** The cells of a weight, or why it has none to give. */
function divide({ weight, shape }: Chosen, { method, options }: Method<MaskStructure>): Cells | string {
  const { dims } = weight.tensor;
  if (shape === undefined && method.name !== "unstructured") {
    return `its rows and columns are not axes of it in the file, which ${method.name} divides`;
  }
  // Single elements need no axes.
  const cells = method.cells(shape ?? { dims, reductionAxis: dims.length - 1, outputAxis: 0 }, options);
  if (cells.pattern) {
    const { keep } = cells.pattern;
    return dims[shape!.reductionAxis]! > keep
      ? cells
      : `it sums only ${dims[shape!.reductionAxis]}, of which ${keep} stay`;
  }
  return cells.count > 1 ? cells : `it has one ${method.name}, which must stay`;
}

/** How many cells of each weight go. */
async function share(
  model: Model,
  masked: readonly MaskedWeight[],
  { goal, scope }: MaskOptions,
  { progress, distance }: MaskStep,
  macs: ReadonlyMap<Weight, number> | undefined,
  context: StepContext,
  notes: Note[],
): Promise<readonly Amount[]> {
  const pattern = masked[0]!.cells.pattern;
  if (pattern) {
    const { keep, of } = pattern;
    return masked.map(() => ({ stay: of - Math.max(1, Math.round(progress * (of - keep))), of }));
  }
  const now = { ...goal, share: goal.share * progress };
  const items = masked.map((one) => itemOf(model, one, macs, progress));
  const counts = await scope.method.choose(items, now, scope.options, { ...context, distance });
  const short = shortOf(items, now, counts);
  if (short > 0) {
    const total = items.reduce((sum, item) => sum + item.cells * item[now.measure], 0);
    const what = MEASURES[goal.measure];
    const text = `${percent(short / total)} of the ${what} less go than ${percent(now.share)}: no layer may give more.`;
    notes.push(warning("goal-missed", text));
  }
  return counts.map((count) => ({ count }));
}

const MEASURES = { elements: "weights", bytes: "bytes", macs: "multiply-accumulates" } as const;

function itemOf(
  model: Model,
  masked: MaskedWeight,
  macs: ReadonlyMap<Weight, number> | undefined,
  progress: number,
): Item {
  const { cells, elements } = masked;
  const { weight, shape, ratio } = masked.chosen;
  const { dtype, dims } = weight.tensor;
  const perCell = elements / cells.count;
  const others = dims.filter((_, axis) => axis !== shape?.reductionAxis && axis !== shape?.outputAxis);
  return {
    name: masked.name,
    cells: cells.count,
    // A layer of zeros alone would give the same for every input.
    most: cells.count - 1,
    multiple: 1,
    elements: perCell,
    bytes: perCell * FLOAT_BYTES[dtype],
    macs: (macs?.get(weight) ?? 0) / cells.count,
    shape: shape
      ? { inputs: dims[shape.reductionAxis]!, outputs: dims[shape.outputAxis]!, kernel: others }
      : { inputs: elements, outputs: 1, kernel: [] },
    ratio: ratio === undefined ? undefined : ratio * progress,
    scores: () => masked.ranking(),
    async without(count) {
      const { value } = await masked.zeros({ count }, true);
      return replaceWeights(model, new Map([[weight, value]]));
    },
  };
}

/** Above this the model is not run to count what the table would only mention. */
const COUNTED_BYTES = 2 ** 29;

async function macsOf(
  model: Model,
  masked: readonly MaskedWeight[],
  { goal }: MaskOptions,
  context: StepContext,
  notes: Note[],
): Promise<ReadonlyMap<Weight, number> | undefined> {
  const weights = masked.map(({ chosen }) => chosen.weight);
  if (goal.measure === "macs") return weightMacs(model, weights, context);
  if (weightBytes(model.graph) > COUNTED_BYTES) return undefined;
  try {
    return await weightMacs(model, weights, context);
  } catch (error) {
    context.signal?.throwIfAborted();
    const text = error instanceof Error ? error.message : String(error);
    notes.push(info("macs-not-counted", `Multiply-accumulates are not counted: ${text}`));
    return undefined;
  }
}

function zerosNotes(made: ReadonlyMap<Weight, Zeros>): Note[] {
  let [elements, zeros] = [0, 0];
  const notes: Note[] = [];
  for (const [weight, { gone, error }] of made) {
    elements += weight.elements;
    zeros += gone;
    const lost = error === undefined ? "" : `; its outputs change by ${percent(Math.sqrt(error))} of their size`;
    const text = `${percent(gone / weight.elements)} of "${weight.name}" [${weight.tensor.dims}] are zero${lost}.`;
    notes.push(info("zeros-written", text, weight.name));
  }
  const text = `${percent(zeros / elements)} of ${elements} weights in ${made.size} layers are zero.`;
  return [info("pruned", text), ...notes];
}

function rowsOf(
  made: ReadonlyMap<Weight, Zeros>,
  kept: readonly Kept[],
  macs: ReadonlyMap<Weight, number> | undefined,
): PruneRow[] {
  const row = (
    { name, elements, tensor }: Weight,
    gone: number,
    work: number | undefined,
    reason?: string,
  ): PruneRow => {
    const bytes = elements * FLOAT_BYTES[tensor.dtype];
    return {
      name,
      elements: { before: elements, after: elements - gone },
      bytes: { before: bytes, after: bytes },
      ...(work !== undefined && { macs: { before: work, after: Math.round((work * (elements - gone)) / elements) } }),
      ratio: gone / elements,
      ...(reason !== undefined && { reason }),
    };
  };
  return [
    ...[...made].map(([weight, { gone }]) => row(weight, gone, macs?.get(weight))),
    ...kept
      .filter(({ weight }) => weight.tensor.dims.length > 1)
      .map(({ weight, reason }) => row(weight, 0, undefined, reason)),
  ];
}

const nothing = () =>
  warning("nothing-pruned", "The model has no weights that zeros can be written into: nothing was changed.");

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
