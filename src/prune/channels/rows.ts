// What went and what stayed, for people: a row for each layer, and for each group why no more of it may go.

import { invalid } from "../../base/errors.js";
import { initializerBytes } from "../../engine/weight-bytes.js";
import { type Initializer, label } from "../../ir/model.js";
import { weightsOf } from "../../ops/index.js";
import { elementCount } from "../../tensor/dtype.js";
import type { Grouping } from "../group/group.js";
import type { PruneRow } from "../table.js";
import type { Counts, Forecast } from "./forecast.js";
import type { Limit } from "./limits.js";

/** A group of coupled channels, and what became of it. */
export interface GroupRow {
  readonly group: string;
  readonly kind: string;
  readonly units: { readonly before: number; readonly after: number };
  /** Why no more of it went. */
  readonly reason: string;
  /** The node to blame, where there is one. */
  readonly node: string | undefined;
}

/** Of a group from which more might go. */
const ENOUGH = "what went suffices";

/** `stopped`: what came in between for groups of which more might go. */
export function groupRows(
  limits: readonly Limit[],
  gone: Counts,
  stopped: ReadonlyMap<string, string> = new Map(),
): readonly GroupRow[] {
  return limits.map(({ group: { name, kind, units }, most, reason, node }) => {
    const count = gone.get(name) ?? 0;
    return {
      group: name,
      kind,
      units: { before: units, after: units - count },
      reason: count < most ? (stopped.get(name) ?? ENOUGH) : reason,
      node: count < most ? undefined : node,
    };
  });
}

/** The layers of the original with what each had and has, by shapes. A weight of several layers counts for the first. */
export function layerRows(
  { model, groups }: Grouping,
  { macsOf, dims }: Forecast,
  rows: readonly GroupRow[],
): readonly PruneRow[] {
  const { initializers, nodes } = model.graph;
  const nothing: Counts = new Map();
  const makers = new Map<string, string>();
  for (const { name, places } of groups) {
    for (const { value, constant, role } of places) {
      if (constant && role === "output" && !makers.has(value)) makers.set(value, name);
    }
  }
  const why = new Map(rows.map((row) => [row.group, row]));
  const gone: Counts = new Map(rows.map(({ group, units }) => [group, units.before - units.after]));
  const taken = new Set<string>();
  return nodes.flatMap((node) => {
    const own = weightsOf(node).flatMap(({ input }) => {
      const name = node.inputs[input]!;
      if (!initializers.has(name) || taken.has(name)) return [];
      taken.add(name);
      return [name];
    });
    if (own.length === 0) return [];
    const elements = sum(own, (name) => elementCount(initializers.get(name)!.dims));
    const left = sum(own, (name) => elementCount(dims(name, gone)!));
    const bytes = sum(own, (name) => initializerBytes(initializers.get(name)!));
    const after = sum(own, (name) => bytesAfter(initializers.get(name)!, dims(name, gone)!));
    const row = why.get(own.map((name) => makers.get(name)).find((group) => group !== undefined) ?? "");
    const macs = macsOf(node, nothing);
    return [
      {
        name: label(node),
        elements: { before: elements, after: left },
        ...(macs !== undefined && { macs: { before: macs, after: macsOf(node, gone)! } }),
        bytes: { before: bytes, after },
        ratio: elements === 0 ? 0 : 1 - left / elements,
        reason: row
          ? `${row.units.after} of ${row.units.before} channels${row.reason === ENOUGH ? "" : `: ${row.reason}`}`
          : "its outputs are no group of channels",
      },
    ];
  });
}

const sum = (names: readonly string[], of: (name: string) => number) => names.reduce((all, name) => all + of(name), 0);

const bytesAfter = (initializer: Initializer, dims: readonly number[]) =>
  Math.round((initializerBytes(initializer) * elementCount(dims)) / Math.max(1, elementCount(initializer.dims)));

/** The refusal of a model from which nothing may go, with the most frequent reasons. */
export function nothingToPrune(limits: readonly Limit[]) {
  const counted = new Map<string, number>();
  for (const { reason } of limits) counted.set(reason, (counted.get(reason) ?? 0) + 1);
  const reasons = [...counted].sort(([, a], [, b]) => b - a).slice(0, 3);
  return invalid("nothing-to-prune", "No channel of this model may be cut out.", {
    found:
      reasons.length === 0
        ? "no group of channels that holds a weight"
        : reasons.map(([reason, count]) => `${count} x ${reason}`).join("; "),
    hint: "`pare inspect --groups` shows the groups; --structure unstructured sets single weights to zero.",
  });
}
