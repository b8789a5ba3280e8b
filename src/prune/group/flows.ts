// Asks the rule of every node how channels pass through it. What no rule speaks of stays whole, with the reason.

import { type Graph, label, type Model, type Node } from "../../ir/model.js";
import { captures, subgraphs, uses } from "../../ir/traverse.js";
import { channelRuleOf } from "../../ops/channels/index.js";
import type { Axis, ChannelNode, ChannelRule, Flow } from "../../ops/channels/rule.js";
import type { DType } from "../../tensor/dtype.js";
import type { Feeds } from "../../tensor/value.js";
import type { Coupling, Obstacle } from "./coupling.js";
import { type Carried, type Regrouping, regroupAll } from "./regroup.js";

/** What is known of the values of a graph before its rules are asked. */
export interface Facts {
  readonly model: Model;
  readonly dims: ReadonlyMap<string, readonly number[]>;
  readonly dtypes: ReadonlyMap<string, DType>;
  /** What the shapes were observed on. */
  readonly feeds: Feeds;
  /** Of small constants. */
  readonly numbers: ReadonlyMap<string, readonly number[]>;
  /** Values made of constants alone. */
  readonly fixed: ReadonlySet<string>;
}

/** Pairs of an input axis and an output axis of a node that hold the same channels. */
export type Passages = ReadonlyMap<Node, readonly Carried[]>;

const FOLDABLE: ReadonlySet<string> = new Set(["float32", "float64", "float16"]);

/** What rules can ask of a node. */
export const channelNode = (node: Node, { model, dims, dtypes, numbers, fixed }: Facts): ChannelNode => ({
  node,
  opset: model.opsets.get(node.domain) ?? 1,
  dims: (value) => dims.get(value) ?? [],
  dtype: (value) => dtypes.get(value)!,
  isFixed: (value) => fixed.has(value),
  isFoldable: (value) => {
    const weight = model.graph.initializers.get(value);
    return weight !== undefined && !weight.sparse && fixed.has(value) && FOLDABLE.has(weight.dtype);
  },
  numbers: (value) => numbers.get(value),
});

/** Couples everything; gives how channels pass each node. Inputs and outputs of the graph keep their shapes. */
export function askRules(coupling: Coupling, facts: Facts): Passages {
  const { graph } = facts.model;
  keepPorts(coupling, facts, graph);
  const passages = new Map<Node, Carried[]>();
  const regroupings: { readonly node: Node; readonly one: Regrouping }[] = [];
  for (const node of graph.nodes) {
    const passed: Carried[] = [];
    passages.set(node, passed);
    const rule = channelRuleOf(node);
    const reason = refusal(node, rule, facts);
    const asked = new NodeFlow(coupling, facts, node, passed, (one) => regroupings.push({ node, one }));
    if (reason !== undefined) asked.keepAll(reason);
    else {
      rule!.flow(asked.flow);
      asked.keepRest(`${node.opType} says nothing of it`);
    }
  }
  const carried = regroupAll(
    coupling,
    regroupings.map(({ one }) => one),
  );
  for (const { node, one } of regroupings) passages.get(node)!.push(...(carried.get(one) ?? []));
  return passages;
}

/** Why a node's values stay whole whatever its rule says. */
function refusal(node: Node, rule: ChannelRule | undefined, { dims }: Facts): string | undefined {
  if (subgraphs(node).length > 0) return `the subgraphs of ${node.opType} read it`;
  if (rule === undefined) return `pare does not know how channels pass through ${node.opType}`;
  const unseen = [...node.inputs, ...node.outputs].find((name) => name !== "" && !dims.has(name));
  return unseen === undefined ? undefined : `the shape of "${unseen}" beside it is not known`;
}

function keepPorts(coupling: Coupling, { dims }: Facts, graph: Graph): void {
  const keep = (value: string, reason: string) => {
    for (const [axis, length] of (dims.get(value) ?? []).entries()) {
      const first = coupling.firstOf({ value, axis });
      if (first >= 0) for (let at = 0; at < length; at++) coupling.keep(first + at, { reason, node: value });
    }
  };
  for (const { name } of graph.inputs) keep(name, "the inputs of the model keep their shapes");
  for (const { name } of graph.outputs) keep(name, "the outputs of the model keep their shapes");
  for (const name of captures(graph)) keep(name, "it is not of this graph");
}

class NodeFlow {
  readonly #mentioned = new Set<string>();
  readonly #inputs: ReadonlySet<string>;
  readonly #outputs: ReadonlySet<string>;
  readonly flow: Flow;

  constructor(
    readonly coupling: Coupling,
    readonly facts: Facts,
    readonly node: Node,
    passed: Carried[],
    regroup: (one: Regrouping) => void,
  ) {
    this.#inputs = new Set(node.inputs);
    this.#outputs = new Set(node.outputs);
    const pass = (a: Axis, b: Axis) => {
      if (this.#inputs.has(a.value) && this.#outputs.has(b.value)) passed.push([a, b]);
      else if (this.#inputs.has(b.value) && this.#outputs.has(a.value)) passed.push([b, a]);
    };
    const own = channelNode(node, facts);
    const keep = (axis: Axis, reason: string, positions?: (position: number) => boolean) =>
      this.#keep(axis, reason, positions);
    this.flow = {
      ...own,
      tie: (a, b) => {
        if (this.#length(a) !== this.#length(b)) {
          for (const axis of [a, b]) keep(axis, `${node.opType} joins axes of different lengths`);
          return;
        }
        this.flow.place(a, b, (position) => position);
      },
      place: (from, to, at) => {
        const [first, second] = [this.#first(from), this.#first(to)];
        pass(from, to);
        if (first < 0 && second < 0) return;
        const length = this.#length(to);
        for (let position = 0; position < this.#length(from); position++) {
          const target = at(position);
          if (target === undefined) continue;
          // An axis of one position, or too long to be tracked: its partner cannot be cut alone.
          if (first < 0 || second < 0 || target < 0 || target >= length) {
            if (first >= 0) this.#keepAt(first + position, `${node.opType} joins it with an axis that stays`);
            else if (target >= 0 && target < length)
              this.#keepAt(second + target, `${node.opType} joins it with an axis that stays`);
          } else coupling.join(first + position, second + target);
        }
      },
      bundle: (axis, key) => {
        const first = this.#first(axis);
        if (first < 0) return;
        const leaders = new Map<number, number>();
        for (let at = 0; at < this.#length(axis); at++) {
          const leader = leaders.get(key(at));
          if (leader === undefined) leaders.set(key(at), first + at);
          else coupling.join(leader, first + at);
        }
      },
      free: (axis) => void this.#first(axis),
      keep: (what, reason, positions) => {
        if (typeof what !== "string") keep(what, reason, positions);
        else for (const axis of own.dims(what).keys()) keep({ value: what, axis }, reason);
      },
      regroup: (from, to) => {
        const [before, after] = [own.dims(from), own.dims(to)];
        for (const axis of before.keys()) this.#first({ value: from, axis });
        for (const axis of after.keys()) this.#first({ value: to, axis });
        if (before.includes(0)) this.keepAll("it is empty");
        else regroup({ from, to, before, after, node: label(node) });
      },
      tag: (axis, kind) => {
        const first = this.#first(axis);
        if (first >= 0) for (let at = 0; at < this.#length(axis); at++) coupling.tag(first + at, kind);
      },
    };
  }

  keepAll(reason: string): void {
    for (const value of [...uses(this.node), ...this.node.outputs]) {
      for (const axis of (this.facts.dims.get(value) ?? []).keys()) this.#keep({ value, axis }, reason);
    }
  }

  /** What the rule did not mention. */
  keepRest(reason: string): void {
    for (const value of new Set([...this.node.inputs, ...this.node.outputs])) {
      if (value === "") continue;
      for (const axis of (this.facts.dims.get(value) ?? []).keys()) {
        if (!this.#mentioned.has(`${axis} ${value}`)) this.#keep({ value, axis }, reason);
      }
    }
  }

  #length({ value, axis }: Axis): number {
    return this.facts.dims.get(value)?.[axis] ?? 0;
  }

  #first(axis: Axis): number {
    this.#mentioned.add(`${axis.axis} ${axis.value}`);
    return this.coupling.firstOf(axis);
  }

  #keep(axis: Axis, reason: string, positions?: (position: number) => boolean): void {
    const first = this.#first(axis);
    if (first < 0) return;
    const obstacle = this.#obstacle(reason);
    for (let at = 0; at < this.#length(axis); at++) {
      if (positions === undefined || positions(at)) this.coupling.keep(first + at, obstacle);
    }
  }

  #keepAt(position: number, reason: string): void {
    this.coupling.keep(position, this.#obstacle(reason));
  }

  #obstacle(reason: string): Obstacle {
    return { reason, node: label(this.node) };
  }
}
