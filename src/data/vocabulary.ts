// How large the indices may be that an input takes: the rows of the tables that are looked up with it.

import { intOf } from "../ir/attributes.js";
import { constantDims } from "../ir/demands.js";
import type { Graph } from "../ir/model.js";

/** Input name to the number of valid indices, 0 .. n - 1, for inputs that reach a table. */
export function vocabularies(graph: Graph): Map<string, number> {
  const found = new Map<string, number>();
  const constants = constantDims(graph);
  const origin = new Map<string, string>(graph.inputs.map(({ name }) => [name, name]));
  for (const node of graph.nodes) {
    if (carriers.has(node.opType)) {
      const from = origin.get(node.inputs[0] ?? "");
      if (from !== undefined && node.outputs[0] !== undefined) origin.set(node.outputs[0], from);
    }
    for (const [indices, table, axis] of lookups[node.opType]?.(
      intOf(node, node.opType === "Gather" ? "axis" : "gather_axis", 0),
    ) ?? []) {
      const from = origin.get(node.inputs[indices] ?? "");
      const rows = constants.get(node.inputs[table] ?? "")?.at(axis);
      if (from !== undefined && rows !== undefined) found.set(from, Math.min(found.get(from) ?? rows, rows));
    }
  }
  return found;
}

/** Operators that hand indices on unchanged, as far as their range goes. */
const carriers = new Set([
  "Cast",
  "Identity",
  "Unsqueeze",
  "Squeeze",
  "Reshape",
  "Flatten",
  "Transpose",
  "Expand",
  "Slice",
]);

/** For each operator that looks up rows: which input are the indices, which is the table, along which axis of it. */
const lookups: Readonly<Record<string, (axis: number) => readonly (readonly [number, number, number])[]>> = {
  Gather: (axis) => [[1, 0, axis]],
  GatherBlockQuantized: (axis) => [[1, 0, axis]],
  EmbedLayerNormalization: () => [
    [0, 2, 0],
    [1, 4, 0],
  ],
};
