// Cuts channels out: constants lose positions, nodes what speaks of sizes, and the shapes that come out are checked on
// the engine against those that were predicted.

import { failed, internal, invalid } from "../../base/errors.js";
import { suggest } from "../../base/registry.js";
import { observe } from "../../engine/observe.js";
import type { EngineServices } from "../../engine/session.js";
import { GraphEditor } from "../../ir/edit.js";
import { label, type Model, type Node, type ValueInfo } from "../../ir/model.js";
import { channelRuleOf } from "../../ops/channels/index.js";
import type { Axis, Cut } from "../../ops/channels/rule.js";
import { int64, type Tensor } from "../../tensor/tensor.js";
import { withoutDead } from "../../train/prepare/static-shapes.js";
import { channelNode } from "../group/flows.js";
import type { CutResult, CutWeight, Group, Removal } from "../group/group.js";
import type { Coupled } from "../group/group-channels.js";
import { gathered } from "./gathered.js";

/** Positions that stay, by axis, of every value that loses some. */
type Kept = ReadonlyMap<string, ReadonlyMap<number, readonly number[]>>;

/** Dimensions of every value after a removal: what the cut model will have, without making it. */
export function dimsAfter(grouping: Coupled, removal: Removal): ReadonlyMap<string, readonly number[]> {
  const kept = keptPositions(grouping, removal);
  return new Map(
    [...grouping.dims].map(([value, dims]) => {
      const axes = kept.get(value);
      return [value, axes ? dims.map((length, axis) => axes.get(axis)?.length ?? length) : dims];
    }),
  );
}

/**
 * The model without these units. Weights are computed when they are pulled. Throws `invalid("group-unknown" |
 * "group-kept" | "group-units")` for removals that cannot be, and `failed("cut-unproved")` where the result does not run
 * with the shapes that were predicted: nothing of it is given then. `check: false` leaves that run out.
 */
export async function cutChannels(
  grouping: Coupled,
  removal: Removal,
  services: EngineServices,
  { check = true }: { readonly check?: boolean } = {},
): Promise<CutResult> {
  const kept = keptPositions(grouping, removal);
  if (kept.size === 0) return { model: grouping.model, weights: [], notes: [] };
  const dims = dimsAfter(grouping, removal);
  const { model } = grouping;
  const editor = new GraphEditor(model.graph);
  for (const node of model.graph.nodes) cutNode(editor, node, grouping, kept, dims);
  for (const [value, axes] of kept) {
    const weight = model.graph.initializers.get(value);
    if (weight === undefined) continue;
    if (weight.sparse) throw internal(`"${value}" is sparse and was to be cut`);
    editor.setInitializer(value, gathered(weight, axes));
  }
  for (const [value, axes] of kept) {
    const stated = editor.valueInfo(value);
    if (stated) editor.setValueInfo(value, restated(stated, axes));
  }
  const result: Model = { ...model, graph: withoutDead(editor.done()) };
  if (check) await checkShapes(result, grouping, dims, services);
  return { model: result, weights: cutWeights(grouping, removal, kept), notes: [] };
}

function keptPositions({ groups, dims }: Coupled, removal: Removal): Kept {
  const byName = new Map(groups.map((group) => [group.name, group]));
  const gone = new Map<string, Map<number, Set<number>>>();
  for (const [name, units] of removal) {
    const group = byName.get(name);
    if (group === undefined) throw unknownGroup(name, [...byName.keys()]);
    if (units.length === 0) continue;
    checkUnits(group, units);
    for (const { value, axis, perUnit, positions } of group.places) {
      const axes = gone.get(value) ?? new Map<number, Set<number>>();
      gone.set(value, axes);
      const set = axes.get(axis) ?? new Set<number>();
      axes.set(axis, set);
      for (const unit of units) for (let at = 0; at < perUnit; at++) set.add(positions[unit * perUnit + at]!);
    }
  }
  return new Map(
    [...gone].map(([value, axes]) => [
      value,
      new Map(
        [...axes].map(([axis, set]) => {
          const left = Array.from({ length: dims.get(value)![axis]! }, (_, at) => at).filter((at) => !set.has(at));
          if (left.length === 0) throw nothingLeft(value);
          return [axis, left] as const;
        }),
      ),
    ]),
  );
}

function checkUnits(group: Group, units: readonly number[]): void {
  if (group.obstacle) {
    throw invalid("group-kept", `The channels of "${group.name}" cannot be removed: ${group.obstacle.reason}.`, {
      node: group.obstacle.node,
    });
  }
  const fits = units.every(
    (unit, at) => Number.isInteger(unit) && unit >= 0 && unit < group.units && unit > (units[at - 1] ?? -1),
  );
  if (fits) return;
  throw invalid("group-units", `The units to remove from "${group.name}" are not in order, or not there.`, {
    node: group.name,
    expected: `distinct numbers from 0 to ${group.units - 1}, ascending`,
    found: units.join(", "),
  });
}

const unknownGroup = (name: string, known: readonly string[]) =>
  invalid("group-unknown", `The model has no group of channels "${name}".`, {
    found: name,
    hint: suggest(name, known) ?? "The model has none.",
  });

const nothingLeft = (value: string) =>
  invalid("group-units", `Nothing would be left of "${value}".`, { node: value, hint: "Keep at least one channel." });

function cutNode(
  editor: GraphEditor,
  node: Node,
  grouping: Coupled,
  kept: Kept,
  after: ReadonlyMap<string, readonly number[]>,
): void {
  if (![...node.inputs, ...node.outputs].some((name) => kept.has(name))) return;
  const rule = channelRuleOf(node);
  if (rule === undefined) throw internal(`${label(node)} has no rule, and was to be cut`);
  const { initializers } = grouping.model.graph;
  const constant = (hint: string, tensor: Tensor) => {
    const name = editor.unique(hint);
    editor.setInitializer(name, tensor);
    return name;
  };
  const cut: Cut = {
    ...channelNode(node, grouping.facts),
    after: (value) => after.get(value) ?? [],
    kept: ({ value, axis }: Axis) => kept.get(value)?.get(axis),
    rest: ({ value, axis }) => grouping.rest(value, axis),
    weight: (value) => {
      const weight = initializers.get(value);
      return weight?.sparse ? undefined : weight;
    },
    ints: (hint, values, dims = [values.length]) => constant(hint, int64(dims, values)),
    constant,
    fresh: (hint) => editor.unique(hint),
  };
  const made = rule.cut?.(cut);
  if (made !== undefined) editor.replace(node, Array.isArray(made) ? made : [made as Node]);
}

/** What the file states of a value's shape, as it is now. */
function restated(info: ValueInfo, axes: ReadonlyMap<number, readonly number[]>): ValueInfo {
  if (info.type?.kind !== "tensor" || info.type.shape === undefined) return info;
  const shape = info.type.shape.map((dim, axis) => (typeof dim === "number" ? (axes.get(axis)?.length ?? dim) : dim));
  return { ...info, type: { ...info.type, shape } };
}

async function checkShapes(
  model: Model,
  grouping: Coupled,
  expected: ReadonlyMap<string, readonly number[]>,
  services: EngineServices,
): Promise<void> {
  const observed = await observe(model, { feeds: grouping.facts.feeds }, services);
  const makers = new Map(model.graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  for (const [value, { dims }] of observed.values) {
    const wanted = expected.get(value);
    if (wanted === undefined || String(wanted) === String(dims)) continue;
    const maker = makers.get(value);
    throw failed("cut-unproved", `"${value}" has another shape than was predicted, so the channels cannot be cut.`, {
      node: maker ? label(maker) : value,
      expected: `[${wanted.join(", ")}]`,
      found: `[${dims.join(", ")}]`,
      hint: "Leave the layers around it as they are (keep), and tell us: the rule of this operator is wrong.",
    });
  }
}

function cutWeights({ groups, model }: Coupled, removal: Removal, kept: Kept): CutWeight[] {
  const roles = new Map(
    groups
      .filter(({ name }) => removal.has(name))
      .flatMap(({ places }) => places.map(({ value, axis, role }) => [`${axis} ${value}`, role] as const)),
  );
  return [...kept].flatMap(([weight, axes]) =>
    !model.graph.initializers.has(weight)
      ? []
      : [...axes].map(([axis, left]): CutWeight => {
          const stays = new Set(left);
          const length = model.graph.initializers.get(weight)!.dims[axis]!;
          const removed = Array.from({ length }, (_, at) => at).filter((at) => !stays.has(at));
          return { weight, axis, role: roles.get(`${axis} ${weight}`) ?? "vector", removed };
        }),
  );
}
