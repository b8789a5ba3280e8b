// Weights with the same content become one. Found by type, dims and a hash of their bytes, streamed; then compared byte
// by byte, since a hash can collide. In subgraphs too, where the outer weight is visible.

import { info } from "../base/note.js";
import { GraphEditor } from "../ir/edit.js";
import { mapGraphsSync } from "../ir/map.js";
import type { Graph, Initializer, Model } from "../ir/model.js";
import { everyGraph, type Scope } from "../ir/traverse.js";
import { equalData, hashData } from "../tensor/content.js";
import type { Tensor } from "../tensor/tensor.js";
import { definePass } from "./pass.js";

export const shareEqualWeights = definePass({
  name: "share-equal-weights",
  summary: "Weights with equal content are stored once.",
  dear: true,
  async rewrite(model, context, notes) {
    const classes = await equalClasses(model, context.signal);
    if (classes.size === 0) return model;
    const saved = { count: 0, bytes: 0 };
    const result = mapGraphsSync(model, (graph, outer) => shareIn(graph, outer, classes, saved));
    if (saved.count > 0) {
      notes.push(info("weights-shared", `${saved.count} weights are copies of others: ${saved.bytes} bytes saved.`));
    }
    return result;
  },
});

type Dense = Tensor & { readonly sparse?: undefined };

/** Sets of equal weights, each with the names they go by; weights that are like no other are not in it. */
type Classes = ReadonlyMap<
  Initializer,
  { readonly names: readonly string[]; readonly members: ReadonlySet<Initializer> }
>;

async function equalClasses(model: Model, signal: AbortSignal | undefined): Promise<Classes> {
  const candidates: { name: string; weight: Dense }[] = [];
  for (const graph of everyGraph(model)) {
    for (const [name, weight] of graph.initializers) {
      if (!weight.sparse && weight.dtype !== "string") candidates.push({ name, weight });
    }
  }
  const found = new Map<Initializer, { names: string[]; members: Set<Initializer> }>();
  // From cheap to dear: only what is alike so far is looked at further. Most weights differ in their first bytes.
  for (const alike of groups(candidates, ({ weight }) => `${weight.dtype}[${weight.dims}]`)) {
    for (const group of await groupsBy(alike, ({ weight }) => hashData(weight.data, PREFIX))) {
      signal?.throwIfAborted();
      for (const equal of await groupsBy(group, ({ weight }) => hashData(weight.data))) {
        for (const same of await trulyEqual(equal)) {
          const entry = { names: same.map(({ name }) => name), members: new Set(same.map(({ weight }) => weight)) };
          for (const { weight } of same) found.set(weight, entry);
        }
      }
    }
  }
  return found;
}

/** Bytes that tell most weights apart, in one read. */
const PREFIX = 65536;

function groups<T>(items: readonly T[], key: (item: T) => string): T[][] {
  const byKey = new Map<string, T[]>();
  for (const item of items) {
    const at = key(item);
    const group = byKey.get(at);
    if (group) group.push(item);
    else byKey.set(at, [item]);
  }
  return [...byKey.values()].filter((group) => group.length > 1);
}

async function groupsBy<T>(items: readonly T[], key: (item: T) => Promise<string>): Promise<T[][]> {
  const keys = new Map<T, string>();
  for (const item of items) keys.set(item, await key(item));
  return groups(items, (item) => keys.get(item)!);
}

async function trulyEqual<T extends { weight: Dense }>(items: readonly T[]): Promise<T[][]> {
  const classes: T[][] = [];
  for (const item of items) {
    let home: T[] | undefined;
    for (const group of classes) {
      if (await equalData(group[0]!.weight.data, item.weight.data)) home = group;
    }
    if (home) home.push(item);
    else classes.push([item]);
  }
  return classes.filter((group) => group.length > 1);
}

function shareIn(graph: Graph, outer: Scope, classes: Classes, saved: { count: number; bytes: number }): Graph {
  const editor = new GraphEditor(graph, outer);
  const kept = new Map<ReadonlySet<Initializer>, string>();
  for (const [name, weight] of graph.initializers) {
    const equal = classes.get(weight);
    if (!equal || editor.isInput(name)) continue;
    const around = equal.names.find((other) => {
      const visible = outer.constant(other);
      return visible !== undefined && equal.members.has(visible) && editor.constant(other) === visible;
    });
    const first = around ?? kept.get(equal.members);
    if (first === undefined) kept.set(equal.members, name);
    // An output keeps a weight of its own: its name is the model's interface.
    if (first === undefined || editor.isOutput(name)) continue;
    editor.renameUses(name, first);
    editor.removeInitializer(name);
    saved.count++;
    if (!weight.sparse) saved.bytes += weight.data.byteLength;
  }
  return editor.done();
}
