// The rows of an inspection: nodes, operators, types and weights, told shortly.

import { label, type Model, type Node, type ValueInfo, type ValueType } from "../ir/model.js";
import type { Shapes } from "../ops/index.js";
import { bodies, type Constant } from "./constants.js";
import type { Inspection, NodeSummary, OperatorSummary, PortSummary, WeightSummary } from "./inspection.js";
import { weightBytesByNode } from "./layers.js";

/** What can be made of a node, by the node's label. */
export interface Ability {
  readonly node: string;
  readonly can: readonly string[];
  readonly why?: string | undefined;
}

export function nodeSummaries(
  model: Model,
  macs: ReadonlyMap<Node, number>,
  shapes: Shapes,
  abilities: readonly Ability[],
): readonly NodeSummary[] {
  const bytes = weightBytesByNode(model);
  const abilityOf = inTurn(abilities);
  return [...bodies(model)].flatMap(({ nodes, scope, inFunction }) =>
    nodes.map((node): NodeSummary => {
      const { can, why } = (inFunction ? undefined : abilityOf(label(node))) ?? NOTHING;
      return {
        name: label(node),
        op: operatorName(node),
        scope,
        weightBytes: bytes.get(node) ?? 0,
        macs: macs.get(node) ?? null,
        // Names inside a subgraph may repeat those of another: only the main graph's are known.
        shape: (scope === "" ? shapes.get(node.outputs[0] ?? "")?.dims : undefined) ?? null,
        can,
        ...(why === undefined ? {} : { why }),
      };
    }),
  );
}

const NOTHING = { can: [], why: "it stands in a function, whose body is left as it is" };

/** Names may be missing or repeated: the nth node of a label has the nth entry of that label. */
function inTurn(abilities: readonly Ability[]): (name: string) => Ability | undefined {
  const byName = new Map<string, Ability[]>();
  for (const ability of abilities) {
    const list = byName.get(ability.node);
    if (list) list.push(ability);
    else byName.set(ability.node, [ability]);
  }
  return (name) => {
    const list = byName.get(name);
    return list !== undefined && list.length > 1 ? list.shift() : list?.[0];
  };
}

const operatorName = ({ domain, opType }: Node): string =>
  domain === "" || domain === "ai.onnx" ? opType : `${domain}.${opType}`;

/** By bytes of weights, then by count, then by name. */
export function operatorSummaries(nodes: readonly NodeSummary[]): readonly OperatorSummary[] {
  const found = new Map<string, { op: string; count: number; weightBytes: number; macs: number | null }>();
  for (const node of nodes) {
    const row = found.get(node.op) ?? { op: node.op, count: 0, weightBytes: 0, macs: null };
    found.set(node.op, row);
    row.count++;
    row.weightBytes += node.weightBytes;
    if (node.macs !== null) row.macs = (row.macs ?? 0) + node.macs;
  }
  return [...found.values()].sort(
    (a, b) => b.weightBytes - a.weightBytes || b.count - a.count || (a.op < b.op ? -1 : 1),
  );
}

export function dtypeSummaries(all: readonly Constant[]): Inspection["dtypes"] {
  const found = new Map<string, { dtype: string; tensors: number; elements: number; bytes: number }>();
  for (const { dtype, elements, bytes } of all) {
    const row = found.get(dtype) ?? { dtype, tensors: 0, elements: 0, bytes: 0 };
    found.set(dtype, row);
    row.tensors++;
    row.elements += elements;
    row.bytes += bytes;
  }
  return [...found.values()].sort((a, b) => b.bytes - a.bytes);
}

export const weightSummary = ({ name, scope, dtype, dims, bytes }: Constant): WeightSummary => ({
  name,
  scope,
  dtype,
  dims,
  bytes,
});

/** Constants with several users, most bytes first; scalars that many nodes share tell nothing. */
export const sharedWeights = (all: readonly Constant[], limit: number): Inspection["shared"] =>
  all
    .filter(({ uses, bytes }) => bytes >= 64 && new Set(uses.map(({ node }) => node)).size > 1)
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, limit)
    .map((constant) => ({
      ...weightSummary(constant),
      users: [...new Set(constant.uses.map(({ node }) => node))].map(label),
    }));

export function portSummary({ name, type }: ValueInfo): PortSummary {
  if (type?.kind === "tensor" || type?.kind === "sparse-tensor") {
    return { name, type: type.dtype ?? "unknown", shape: type.shape ?? null };
  }
  return { name, type: typeName(type), shape: null };
}

function typeName(type: ValueType | undefined): string {
  switch (type?.kind) {
    case undefined:
    case "unset":
      return "unknown";
    case "tensor":
    case "sparse-tensor":
      return type.dtype ?? "unknown";
    case "sequence":
    case "optional":
      return `${type.kind} of ${typeName(type.element)}`;
    case "map":
      return `map of ${type.key ?? "unknown"} to ${typeName(type.value)}`;
    case "opaque":
      return `opaque ${type.domain}.${type.name}`;
  }
}
