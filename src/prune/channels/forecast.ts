// What a model weighs and computes once so many units of each group are gone: exact, from shapes alone. Cutting a group makes
// the layers before it and those behind it smaller, so what two groups bring together is less than the sum of each alone.

import { initializerBytes, weightBytes } from "../../engine/weight-bytes.js";
import type { Node } from "../../ir/model.js";
import { costOf } from "../../ops/index.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Grouping } from "../group/group.js";

/** Units that are gone by the name of their group. */
export type Counts = ReadonlyMap<string, number>;

export interface Forecast {
  /** Multiply-accumulates of one run at the observed shapes. */
  macs(gone: Counts): number;
  /** Of the file: all that is no initializer stays as large as it is. */
  bytes(gone: Counts): number;
  macsOf(node: Node, gone: Counts): number | undefined;
  /** Dimensions of a value; undefined where it was not observed. */
  dims(value: string, gone: Counts): readonly number[] | undefined;
}

interface Span {
  readonly axis: number;
  readonly group: string;
  readonly perUnit: number;
}

const NOTHING: Counts = new Map();

export function forecast({ model, groups, dims: observed }: Grouping): Forecast {
  const { initializers, nodes } = model.graph;
  const spans = new Map<string, Span[]>();
  for (const { name, places } of groups) {
    for (const { value, axis, perUnit } of places) {
      const known = spans.get(value) ?? [];
      known.push({ axis, group: name, perUnit });
      spans.set(value, known);
    }
  }
  const dims = (value: string, gone: Counts) => {
    const before = observed.get(value) ?? initializers.get(value)?.dims;
    const own = spans.get(value);
    if (before === undefined || own === undefined) return before;
    const after = [...before];
    for (const { axis, group, perUnit } of own) after[axis]! -= perUnit * (gone.get(group) ?? 0);
    return after;
  };
  const macsOf = (node: Node, gone: Counts) =>
    costOf(node, {
      get(value) {
        const found = dims(value, gone);
        return found && { dims: found };
      },
    });
  // Nodes that no group reaches cost the same whatever goes.
  const counted = nodes.filter((node) => macsOf(node, NOTHING) !== undefined);
  const touched = counted.filter((node) => [...node.inputs, ...node.outputs].some((value) => spans.has(value)));
  const sum = (list: readonly Node[], gone: Counts) => list.reduce((all, node) => all + (macsOf(node, gone) ?? 0), 0);
  const fixed = sum(counted, NOTHING) - sum(touched, NOTHING);

  const cut = [...initializers].filter(([name]) => spans.has(name));
  const stored = model.origin?.bytes ?? weightBytes(model.graph);
  const bytes = (gone: Counts) =>
    cut.reduce((left, [name, initializer]) => {
      const before = elementCount(initializer.dims);
      const lost = before === 0 ? 0 : 1 - elementCount(dims(name, gone)!) / before;
      return left - initializerBytes(initializer) * lost;
    }, stored);

  return { macs: (gone) => fixed + sum(touched, gone), bytes, macsOf, dims };
}
