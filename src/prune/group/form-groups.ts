// From classes of positions to groups: classes that lie in the same places are units of one group.

import { stringOf } from "../../ir/attributes.js";
import type { Graph, Node } from "../../ir/model.js";
import { consumers, uses } from "../../ir/traverse.js";
import { weightsOf } from "../../ops/index.js";
import type { Coupling } from "./coupling.js";
import type { Facts } from "./flows.js";
import type { Group, Place } from "./group.js";

interface Line {
  readonly value: string;
  readonly axis: number;
  readonly first: number;
  readonly length: number;
  readonly constant: boolean;
  role: Place["role"];
}

/** Groups that hold a weight, in the order of their first place. */
export function formGroups(coupling: Coupling, facts: Facts): Group[] {
  const lines = linesOf(coupling, facts);
  const rootOf = Int32Array.from({ length: coupling.positions }, (_, position) => coupling.rootOf(position));
  const { alike, order, count } = sorted(lines, rootOf, coupling);
  // Of roots: the number of the unit in its group.
  const unitOf = new Int32Array(rootOf.length);
  const units = new Int32Array(count);
  const roots = new Int32Array(count);
  for (const root of order) {
    const group = alike[root]!;
    if (units[group] === 0) roots[group] = root;
    unitOf[root] = units[group]!++;
  }
  const places = Array.from({ length: count }, (): Place[] => []);
  for (const line of lines) {
    for (const [group, place] of placesOf(line, rootOf, alike, units, unitOf)) places[group]!.push(place);
  }
  const named = new Map<string, number>();
  return places.map((list, group) => {
    const root = roots[group]!;
    return {
      name: nameOf(list, named),
      kind: coupling.kindOf(root),
      units: units[group]!,
      places: list,
      obstacle: coupling.obstacle(coupling.obstacleNumber(root)) ?? alone(units[group]!, list, facts),
    };
  });
}

/**
 * The group of every root, -1 for classes without a weight: roots with as many positions in every line, and the same reason
 * to stay, are units of one group. Groups are numbered by their first position; `order` has their roots by that.
 */
function sorted(lines: readonly Line[], rootOf: Int32Array, coupling: Coupling) {
  const weighty = new Uint8Array(rootOf.length);
  for (const { constant, role, first, length } of lines) {
    if (!constant || role === "value" || role === "vector") continue;
    for (let at = first; at < first + length; at++) weighty[rootOf[at]!] = 1;
  }
  // What a root was seen in so far, as one number: it is refined line by line.
  const seen = new Float64Array(rootOf.length);
  const here = new Int32Array(rootOf.length);
  const order: number[] = [];
  let last = 0;
  for (const { first, length } of lines) {
    const found: number[] = [];
    for (let at = first; at < first + length; at++) {
      const root = rootOf[at]!;
      if (weighty[root] === 1 && here[root]!++ === 0) found.push(root);
    }
    const next = new Map<number, number>();
    for (const root of found) {
      if (seen[root] === 0) {
        order.push(root);
        seen[root] = -1 - coupling.obstacleNumber(root);
      }
      // No line is longer than 2^20.
      const key = seen[root]! * 2 ** 21 + here[root]!;
      let number = next.get(key);
      if (number === undefined) {
        number = ++last;
        next.set(key, number);
      }
      seen[root] = number;
      here[root] = 0;
    }
  }
  const alike = new Int32Array(rootOf.length).fill(-1);
  const groups = new Map<number, number>();
  for (const root of order) {
    const group = groups.get(seen[root]!) ?? groups.size;
    groups.set(seen[root]!, group);
    alike[root] = group;
  }
  return { alike, order, count: groups.size };
}

/** Where groups lie along one line. */
function placesOf(
  { value, axis, constant, role, first, length }: Line,
  rootOf: Int32Array,
  alike: Int32Array,
  units: Int32Array,
  unitOf: Int32Array,
): Map<number, Place> {
  const totals = new Map<number, number>();
  for (let at = first; at < first + length; at++) {
    const group = alike[rootOf[at]!]!;
    if (group >= 0) totals.set(group, (totals.get(group) ?? 0) + 1);
  }
  const places = new Map<number, Place>();
  const filled = new Map<number, Int32Array>();
  for (const [group, total] of totals) {
    const perUnit = total / units[group]!;
    places.set(group, { value, axis, constant, role, perUnit, positions: new Int32Array(total) });
    filled.set(group, new Int32Array(units[group]!));
  }
  for (let at = 0; at < length; at++) {
    const root = rootOf[first + at]!;
    const place = places.get(alike[root]!);
    if (place === undefined) continue;
    const unit = unitOf[root]!;
    place.positions[unit * place.perUnit + filled.get(alike[root]!)![unit]!++] = at;
  }
  return places;
}

/** A single unit is all there is of its channels: without it nothing would be left. */
function alone(units: number, places: readonly Place[], { dims }: Facts): Group["obstacle"] {
  const all = places.find(({ value, axis, perUnit }) => units * perUnit === dims.get(value)?.[axis] && units === 1);
  return all && { reason: "its channels can only go all together", node: all.value };
}

function nameOf(places: readonly Place[], named: Map<string, number>): string {
  const first =
    places.find(({ constant, role }) => constant && role === "output") ??
    places.find(({ constant, role }) => constant && role !== "value") ??
    places[0]!;
  const name = first.role === "output" ? first.value : `${first.value}[${first.axis}]`;
  const count = (named.get(name) ?? 0) + 1;
  named.set(name, count);
  return count === 1 ? name : `${name}#${count}`;
}

/** Every axis that can be cut, in graph order: constants where they are first used, then what nodes give. */
function linesOf(coupling: Coupling, { model, dims, fixed }: Facts): Line[] {
  const { graph } = model;
  const roles = rolesOf(graph, dims);
  const lines: Line[] = [];
  const seen = new Set<string>();
  const add = (value: string) => {
    if (value === "" || seen.has(value)) return;
    seen.add(value);
    const constant = graph.initializers.has(value) && fixed.has(value);
    for (const [axis, length] of (dims.get(value) ?? []).entries()) {
      const first = coupling.firstOf({ value, axis });
      if (first < 0) continue;
      const role =
        (constant || fixed.has(value) ? roles.get(`${axis} ${value}`) : undefined) ?? (constant ? "vector" : "value");
      lines.push({ value, axis, first, length, constant, role });
    }
  };
  for (const node of graph.nodes) {
    for (const value of uses(node)) if (graph.initializers.has(value)) add(value);
    for (const value of node.outputs) add(value);
  }
  passRoles(lines, coupling, graph, fixed);
  return lines;
}

/** Operators whose weights are codes that are never floats. */
const CODES: Readonly<Record<string, { readonly input: number; readonly output: number; readonly sum: number }>> = {
  QLinearConv: { input: 3, output: 0, sum: 1 },
  QLinearMatMul: { input: 3, output: -1, sum: -2 },
};

/** Roles of axes by what reads them directly, by axis and value. Axes that only a kernel slides along have none. */
function rolesOf(graph: Graph, dims: Facts["dims"]): Map<string, Place["role"]> {
  const roles = new Map<string, Place["role"]>();
  for (const node of graph.nodes) {
    for (const use of weightsOf(node)) {
      const value = node.inputs[use.input]!;
      const rank = dims.get(value)?.length;
      if (use.role === "vector") continue;
      const at = (axis: number) => (axis < 0 && rank !== undefined ? axis + rank : axis);
      const set = (axis: number, role: Place["role"]) => {
        const key = `${at(axis)} ${value}`;
        if (!roles.has(key)) roles.set(key, role);
      };
      if (use.role === "table" && rank !== undefined) {
        // Rows are looked up: what makes channels is along them.
        for (let axis = 0; axis < rank; axis++) set(axis, axis === at(use.outputAxis) ? "input" : "output");
        continue;
      }
      set(use.outputAxis, "output");
      if (use.reductionAxis !== undefined) set(use.reductionAxis, "input");
    }
    if (node.opType === "Einsum") einsumRoles(node, roles);
    const codes = CODES[node.opType];
    const value = codes && node.inputs[codes.input];
    const rank = value ? graph.initializers.get(value)?.dims.length : undefined;
    if (rank !== undefined && codes) {
      roles.set(`${(codes.output + rank) % rank} ${value}`, "output");
      roles.set(`${(codes.sum + rank) % rank} ${value}`, "input");
    }
  }
  return roles;
}

/** Letters of a constant that the result has make channels; the others are summed over. */
function einsumRoles(node: Node, roles: Map<string, Place["role"]>): void {
  const [left = "", right] = stringOf(node, "equation", "").replaceAll(" ", "").split("->");
  if (right === undefined || left.includes(".")) return;
  for (const [at, operand] of left.split(",").entries()) {
    for (const [axis, letter] of [...operand].entries()) {
      roles.set(`${axis} ${node.inputs[at]}`, right.includes(letter) ? "output" : "input");
    }
  }
}

/** A constant that is rearranged before it is used takes its roles from what is used. */
function passRoles(lines: readonly Line[], coupling: Coupling, graph: Graph, fixed: ReadonlySet<string>): void {
  const users = consumers(graph);
  const known = new Map<string, Line[]>();
  for (const line of lines) {
    if (line.role !== "value" && line.role !== "vector")
      known.set(line.value, [...(known.get(line.value) ?? []), line]);
  }
  for (const line of lines) {
    if (!line.constant || line.role !== "vector") continue;
    const root = coupling.rootOf(line.first);
    // What nodes make of the constant alone, step by step.
    let values = [line.value];
    for (let depth = 0; depth < DEPTH && line.role === "vector" && values.length > 0; depth++) {
      values = values.flatMap((value) =>
        (users.get(value) ?? []).flatMap((node) => node.outputs.filter((name) => fixed.has(name))),
      );
      const match = values
        .flatMap((value) => known.get(value) ?? [])
        .find((one) => coupling.rootOf(one.first) === root);
      if (match) line.role = match.role;
    }
  }
}

const DEPTH = 8;
