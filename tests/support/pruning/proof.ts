// A random cut of a model, and the proof of it: the cut model equals the masked one, and costs what its shapes foretell.

import { expect } from "vitest";
import { observe } from "../../../src/engine/observe.js";
import type { Model } from "../../../src/ir/model.js";
import { ancestry } from "../../../src/ir/traverse.js";
import { workOf } from "../../../src/metrics/work.js";
import { cutChannels } from "../../../src/prune/cut/cut-channels.js";
import type { CutResult, Grouping, Removal } from "../../../src/prune/group/group.js";
import { type Coupled, groupChannels } from "../../../src/prune/group/group-channels.js";
import { random } from "../../../src/tensor/random.js";
import type { Feeds } from "../../../src/tensor/value.js";
import { services } from "../services.js";
import { difference } from "./compare.js";
import { maskedModel } from "./masked.js";

/** Units drawn from every group that may lose some: `ratio` of them, at least one, and one is left. */
export function drawnRemoval(grouping: Grouping, ratio: number, seed: number): Removal {
  const r = random(seed);
  const removal = new Map<string, readonly number[]>();
  for (const { name, units, obstacle } of grouping.groups) {
    if (obstacle || units < 2) continue;
    const left = Array.from({ length: units }, (_, unit) => unit);
    const count = Math.min(units - 1, Math.max(1, Math.round(units * ratio)));
    const drawn = Array.from({ length: count }, () => left.splice(r.int(left.length), 1)[0]!);
    removal.set(
      name,
      drawn.sort((a, b) => a - b),
    );
  }
  return removal;
}

/** Multiply-accumulates of the whole graph when these units are gone, from shapes alone. */
export function foretoldMacs(grouping: Grouping, removal: Removal): number {
  const dims = new Map([...grouping.dims].map(([value, before]) => [value, { dims: [...before] }]));
  for (const { name, places } of grouping.groups) {
    for (const { value, axis, perUnit } of places) {
      const shape = dims.get(value)!.dims;
      shape[axis] = shape[axis]! - perUnit * (removal.get(name)?.length ?? 0);
    }
  }
  const { graph } = grouping.model;
  // What no output needs is not in the cut model.
  const { nodes } = ancestry(
    graph,
    graph.outputs.map(({ name }) => name),
  );
  return workOf({ ...grouping.model, graph: { ...graph, nodes } }, dims).macs;
}

export interface ProvedCut extends CutResult {
  readonly macs: { readonly before: number; readonly after: number };
}

/** Cuts, and expects the result to be what the masked model is. */
export async function provedCut(grouping: Coupled, removal: Removal, feeds: Feeds): Promise<ProvedCut> {
  const cut = await cutChannels(grouping, removal, services);
  const masked = await maskedModel(grouping.model, cut.weights);
  expect(await difference(masked, cut.model, feeds)).toBeUndefined();
  const seen = await observe(cut.model, { feeds }, services);
  const after = workOf(cut.model, seen.values).macs;
  expect(after).toBe(foretoldMacs(grouping, removal));
  return { ...cut, macs: { before: foretoldMacs(grouping, new Map()), after } };
}

/** `feeds`: default synthetic. */
export const grouped = (model: Model, feeds: Feeds | undefined): Promise<Coupled> =>
  groupChannels(model, services, { feeds });
