// Which weights zeros may be written into: matrices that operators multiply with, and what the user names; and of each the axes
// that structures divide.

import { info, type Note } from "../../base/note.js";
import type { Model, Node } from "../../ir/model.js";
import { type Patterns, patterns } from "../../weights/patterns.js";
import { ownAxis } from "../../weights/views.js";
import { axisOf, channelAxis, collectWeights, isWeight, matrixUses, type Weight } from "../../weights/weights.js";
import type { WeightShape } from "../structures/structure.js";

export interface WeightChoice {
  /** Layers of which nothing goes. */
  readonly keep: readonly string[];
  /** Layers of which something may go; empty: all. */
  readonly only: readonly string[];
  /** Shares by pattern; the last that matches holds. */
  readonly layers: Readonly<Record<string, number>>;
}

export interface Chosen {
  readonly weight: Weight;
  /** Undefined where the file's axes are not those that the operator sees, so that only single elements can go. */
  readonly shape: WeightShape | undefined;
  /** Share that the user states for it. */
  readonly ratio: number | undefined;
}

export interface Kept {
  readonly weight: Weight;
  readonly reason: string;
}

/** In file order. Throws `invalid("pattern-unmatched" | "pattern-wrong")`. */
export function chooseWeights(
  model: Model,
  { keep, only, layers }: WeightChoice,
  notes: Note[],
): { readonly chosen: readonly Chosen[]; readonly kept: readonly Kept[] } {
  const matching = (list: readonly string[]) => touching(patterns(model, list, 0, notes));
  const kept = matching(keep);
  const wanted = only.length > 0 ? matching(only) : undefined;
  const shares = Object.entries(layers).map(([pattern, ratio]) => ({ ratio, pattern, matches: matching([pattern]) }));
  const all = collectWeights(model);
  const names = new Map<string, number>();
  for (const { name } of all) names.set(name, (names.get(name) ?? 0) + 1);
  const reasonToKeep = (weight: Weight, named: boolean, share: (typeof shares)[number] | undefined) => {
    if (kept(weight)) return "the option keep names it";
    if (wanted && !wanted(weight)) return "the option only does not name it";
    if (share?.ratio === 0) return `the option layers says 0 for "${share.pattern}"`;
    if (weight.overridable) return "it is also an input of the model, so a caller may replace it";
    if (names.get(weight.name)! > 1) return "the model has another weight of this name, inside a branch or a function";
    const uses = matrixUses(weight);
    if (!isWeight(weight) || uses.length === 0) return "no operator that pare knows multiplies with it";
    if (!named && uses.some(({ use }) => use.role === "table")) {
      return "it is a table that rows are looked up in: name it in only or layers, or take structure vocabulary";
    }
    return weight.elements < 2 ? "it has one element" : undefined;
  };
  const result = { chosen: [] as Chosen[], kept: [] as Kept[] };
  for (const weight of all) {
    const share = shares.findLast(({ matches }) => matches(weight));
    const reason = reasonToKeep(weight, wanted?.(weight) === true || share !== undefined, share);
    if (reason === undefined) result.chosen.push({ weight, shape: shapeOf(weight), ratio: share?.ratio });
    else result.kept.push({ weight, reason });
  }
  return result;
}

/** A pattern means a weight by its own name, or by those of the nodes that use it, or rearrange it before. */
const touching = (pattern: Patterns) => (weight: Weight) =>
  pattern.weight(weight) || usersOf(weight).some((node) => pattern.node(node));

const usersOf = (weight: Weight): readonly Node[] =>
  weight.consumers.flatMap(({ node, path }) => (node ? [...path, node] : path));

/** Its axes as the first operator that uses it sees them. Rows of a table are outputs, and what a row holds is summed later. */
function shapeOf(weight: Weight): WeightShape | undefined {
  const { dims } = weight.tensor;
  const [first] = matrixUses(weight);
  if (first === undefined || dims.length < 2) return undefined;
  const outputAxis = channelAxis(weight);
  const { reductionAxis: seen } = first.use;
  if (outputAxis === undefined) return undefined;
  const reductionAxis =
    seen === undefined
      ? dims.length - 1
      : (ownAxis(
          first.view,
          axisOf(
            seen,
            first.view.axes.map(() => 0),
          ),
          dims,
        ) ?? sized1(first.path.length, seen, dims));
  return reductionAxis === undefined || reductionAxis === outputAxis ? undefined : { dims, reductionAxis, outputAxis };
}

/** An axis of size 1 (depthwise convolutions) has no factor in a view: it is its own where nothing was rearranged. */
const sized1 = (rearranged: number, seen: number, dims: readonly number[]): number | undefined =>
  rearranged === 0 ? axisOf(seen, dims) : undefined;

/** Notes of weights left out: matrices each, vectors and the like together. */
export function keptNotes(kept: readonly Kept[]): Note[] {
  const matrices = kept.filter(({ weight }) => weight.tensor.dims.length > 1);
  const others = kept.length - matrices.length;
  const notes = matrices.map(({ weight, reason }) =>
    info("kept-dense", `"${weight.name}" [${weight.tensor.dims}] stays as it is: ${reason}.`, weight.name),
  );
  if (others === 0) return notes;
  const text = others === 1 ? "1 vector or scalar stays" : `${others} vectors and scalars stay`;
  return [...notes, info("kept-dense", `${text} as they are: they are small, and cost most when they go.`)];
}
