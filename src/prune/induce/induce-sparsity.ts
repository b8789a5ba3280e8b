// Training before channels are pruned, with a penalty on what will go: the model comes out with the same shapes, and with units
// that can be missed.

import { invalid } from "../../base/errors.js";
import { info } from "../../base/note.js";
import { parseOptions } from "../../base/options.js";
import type { Model } from "../../ir/model.js";
import { everyNode } from "../../ir/traverse.js";
import type { StepContext } from "../../step/step.js";
import type { AttachSite } from "../../train/attached.js";
import type { Emitter } from "../../train/emitter.js";
import { finetuneModel } from "../../train/finetune.js";
import type { FinetuneOptions } from "../../train/finetune-options.js";
import type { Penalty } from "../../train/penalty.js";
import type { TrainableWeight } from "../../train/prepared.js";
import type { WriteSite } from "../../train/rewrite.js";
import type { Group, Grouping, Place } from "../group/group.js";
import type { Recovered, RecoveryRun } from "../recover/recover.js";
import { floats } from "../scores/layers.js";
import { regularisers } from "./index.js";
import type { PenalisedGroup, Regulariser } from "./regulariser.js";
import { addSquares, isSlice, writeSquares } from "./unit-squares.js";

export interface Induce {
  /** Name of a regulariser, or an object with its options beside. */
  readonly method: string | { readonly name: string; readonly [option: string]: unknown };
  readonly finetune: FinetuneOptions;
  /** Share of the units of each group that will go, for regularisers that choose; default 0.5. */
  readonly share?: number | undefined;
  /** Groups that will be pruned, by name; default: all that may be. */
  readonly groups?: readonly string[] | undefined;
}

/**
 * Trains `grouping.model`, whose names and shapes stay. The last weights come out, whatever held-out data says of those before:
 * they are the ones with the smallest units. Units of groups that must stay are left alone.
 * Throws `invalid("induce-nothing")` where the regulariser finds nothing in the groups, and what `finetuneModel` throws.
 */
export async function induceSparsity(
  grouping: Grouping,
  induce: Induce,
  context: StepContext,
  run: RecoveryRun = {},
): Promise<Recovered> {
  const { name, ...given } = typeof induce.method === "string" ? { name: induce.method } : induce.method;
  const regulariser = regularisers.get(name);
  const options = parseOptions(regulariser, given, "regulariser");
  const { finetune, share = SHARE, groups: wanted } = induce;
  const { model } = grouping;
  const groups = grouping.groups.filter(
    (group) => group.obstacle === undefined && (wanted?.includes(group.name) ?? true),
  );
  const smallest = regulariser.chooses ? await smallestUnits(groups, model, share) : new Map<Group, number[]>();
  const attach = ({ weights }: AttachSite) => ({
    penalties: [penaltyOf(regulariser, options, { groups, smallest, weights, scales: scalesOf(model) })],
    settings: { induce: { name, ...options, share, groups: groups.map((group) => group.name) } },
  });
  const finetuned = await finetuneModel(model, finetune, context, { ...run, choose: "last", attach });
  const { log } = finetuned;
  const [first, last] = [log[0], log.at(-1)].map((entry) => Number(entry?.figures?.penalty ?? 0).toPrecision(4));
  const text = `Before pruning it was trained with ${name} on ${groups.length} groups: the penalty went from ${first} to ${last}.`;
  return { model: finetuned.model, notes: [...finetuned.notes, info("sparsity-induced", text)], log, finetuned };
}

const SHARE = 0.5;

/** The smaller units by their L2 norm, at least one of each group left out. */
async function smallestUnits(
  groups: readonly Group[],
  model: Model,
  share: number,
): Promise<ReadonlyMap<Group, number[]>> {
  const found = new Map<Group, number[]>();
  for (const group of groups) {
    const sums = new Float64Array(group.units);
    for (const place of group.places.filter(isSlice)) {
      const tensor = model.graph.initializers.get(place.value);
      if (tensor === undefined || tensor.sparse) continue;
      addSquares(sums, await floats(place.value, tensor), tensor.dims, place);
    }
    const count = Math.min(Math.round(share * group.units), group.units - 1);
    const order = [...sums.keys()].sort((a, b) => sums[a]! - sums[b]! || a - b);
    found.set(
      group,
      order.slice(0, count).sort((a, b) => a - b),
    );
  }
  return found;
}

/** Names of the scales of batch normalisations. */
function scalesOf(model: Model): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { opType, inputs } of everyNode(model)) if (opType === "BatchNormalization") names.add(inputs[1] ?? "");
  return names;
}

interface Penalised {
  readonly groups: readonly Group[];
  readonly smallest: ReadonlyMap<Group, readonly number[]>;
  readonly weights: readonly TrainableWeight[];
  readonly scales: ReadonlySet<string>;
}

function penaltyOf(regulariser: Regulariser, options: Record<string, unknown>, penalised: Penalised): Penalty {
  return {
    name: regulariser.name,
    write(site) {
      const groups = penalised.groups.flatMap((group) => inStep(group, penalised, site));
      const penalty = regulariser.penalty({ emit: site.emit, groups, progress: site.progress }, options);
      if (penalty !== undefined) return penalty;
      throw invalid("induce-nothing", `${regulariser.name} finds nothing in this model to make small.`, {
        expected:
          regulariser.name === "slimming" ? "batch normalisations behind channels that may go" : "channels that may go",
        found: `${penalised.groups.length} groups, ${penalised.scales.size} batch normalisations`,
        hint: "Take another regulariser, or prune without one.",
      });
    },
  };
}

/** A group by the values of its weights in the step; none where no weight of it is trained. */
function inStep(group: Group, { weights, scales, smallest }: Penalised, { emit, weight }: WriteSite): PenalisedGroup[] {
  const prepared = new Map(weights.map(({ source, name }) => [source, name]));
  const trained = (source: string) => {
    const name = prepared.get(source);
    return name === undefined ? undefined : weight(name);
  };
  const slices = group.places.filter(isSlice).flatMap((place) => {
    const value = trained(place.value);
    return value === undefined ? [] : [{ place, value }];
  });
  const vectors = group.places.flatMap((place) => {
    const value = scales.has(place.value) && place.constant ? trained(place.value) : undefined;
    return value === undefined ? [] : [along(emit, value, place)];
  });
  if (slices.length === 0 && vectors.length === 0) return [];
  const sizes = slices.map(({ place, value }) => {
    const dims = emit.dims(value);
    return (dims.reduce((all, dim) => all * dim, 1) / dims[place.axis]!) * place.perUnit;
  });
  let squares: string | undefined;
  return [
    {
      name: group.name,
      units: group.units,
      elements: sizes.reduce((sum, size) => sum + size, 0),
      squares() {
        squares ??= slices
          .map(({ place, value }) => writeSquares(emit, value, place, group.units))
          .reduce((sum, one) => emit.add(sum, one));
        return squares;
      },
      scales: vectors,
      smallest: smallest.get(group) ?? [],
    },
  ];
}

/** A vector's elements that belong to the group. */
const along = (emit: Emitter, value: string, { axis, positions }: Place): string =>
  positions.length === emit.dims(value)[axis] ? value : emit.gather(value, emit.ints([...positions]), axis);
