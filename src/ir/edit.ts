// The one editor of graphs. It works on a linked list beside the graph, so that an edit costs what it touches, and gives
// a new Graph that shares every node, weight and list it did not change.
// Long because the list of nodes and its indices must change together, in one class.

import { internal } from "../base/errors.js";
import { type Graph, type Initializer, label, type Node, type ValueInfo } from "./model.js";
import { allNames, renameInputs } from "./rename.js";
import { definitions, type Scope, subgraphs, topScope, uses } from "./traverse.js";

/** A place in the order. `node` is undefined at the two ends and after removal. */
interface Link {
  node: Node | undefined;
  previous: Link | undefined;
  next: Link | undefined;
}

/**
 * Edits of one graph. A node handed in is followed through later edits: when `renameUses` gives a consumer new inputs,
 * the old object still stands for it in every call. `done()` is the result; the graph given at first never changes.
 */
export class GraphEditor {
  readonly #original: Graph;
  readonly #outer: Scope;
  readonly #first: Link = { node: undefined, previous: undefined, next: undefined };
  readonly #last: Link = { node: undefined, previous: this.#first, next: undefined };
  readonly #links = new Map<Node, Link>();
  readonly #producers = new Map<string, Link>();
  readonly #consumers = new Map<string, Set<Link>>();
  readonly #outputs: Set<string>;
  readonly #inputs: Set<string>;
  #names: Set<string> | undefined;
  readonly #counters = new Map<string, number>();
  #initializers: Map<string, Initializer> | undefined;
  #valueInfo: Map<string, ValueInfo> | undefined;
  #ports: Partial<Pick<Graph, "inputs" | "outputs">> = {};
  #reordered = false;
  #snapshot: Graph;

  /** `outer`: what is visible around a subgraph, so that new names do not shadow it. */
  constructor(graph: Graph, outer: Scope = topScope) {
    this.#original = graph;
    this.#snapshot = graph;
    this.#outer = outer;
    this.#first.next = this.#last;
    this.#outputs = new Set(graph.outputs.map((output) => output.name));
    this.#inputs = new Set(graph.inputs.map((input) => input.name));
    for (const node of graph.nodes) this.#link(this.#last, node);
    this.#reordered = false;
    this.#snapshot = graph;
  }

  /** The graph as edited so far. Made anew after each edit: ask for it once, not in a loop. */
  get graph(): Graph {
    return this.done();
  }

  /** What now stands for a node that was handed out before; undefined when it was removed. */
  current(node: Node): Node | undefined {
    return this.#links.get(node)?.node;
  }

  producer(name: string): Node | undefined {
    return this.#producers.get(name)?.node;
  }

  /** Nodes that use a value, those whose subgraphs capture it included; in order of first use by this editor. */
  consumers(name: string): Node[] {
    return [...(this.#consumers.get(name) ?? [])].map((link) => link.node!);
  }

  isInput(name: string): boolean {
    return this.#inputs.has(name);
  }

  isOutput(name: string): boolean {
    return this.#outputs.has(name);
  }

  initializer(name: string): Initializer | undefined {
    return (this.#initializers ?? this.#original.initializers).get(name);
  }

  /** The initializer that no caller can override: an input of the same name makes it a default only. */
  constant(name: string): Initializer | undefined {
    if (this.#inputs.has(name)) return undefined;
    const own = this.initializer(name);
    if (own !== undefined || this.#producers.has(name)) return own;
    return this.#outer.constant(name);
  }

  /** Puts `nodes` where `node` stood. Values that only `node` made must be made by one of them, or no longer used. */
  replace(node: Node, nodes: readonly Node[]): void {
    const link = this.#find(node);
    const { next } = link;
    this.#unlink(link);
    for (const added of nodes) this.#link(next!, added);
    // The old object now stands for the replacement, where there is just one.
    if (nodes.length === 1) this.#links.set(node, this.#links.get(nodes[0]!)!);
  }

  insertBefore(node: Node, nodes: readonly Node[]): void {
    const link = this.#find(node);
    for (const added of nodes) this.#link(link, added);
  }

  insertAfter(node: Node, nodes: readonly Node[]): void {
    const { next } = this.#find(node);
    for (const added of nodes) this.#link(next!, added);
  }

  /** Puts nodes before all others. */
  prepend(nodes: readonly Node[]): void {
    const { next } = this.#first;
    for (const added of nodes) this.#link(next!, added);
  }

  /** Puts nodes after all others. */
  append(nodes: readonly Node[]): void {
    for (const added of nodes) this.#link(this.#last, added);
  }

  remove(node: Node): void {
    this.#unlink(this.#find(node));
  }

  /**
   * Lets every node that uses `from` use `to`, in subgraphs too. Graph outputs keep their names: the caller decides
   * who makes them (`isOutput`). `to` must be visible to all those nodes.
   */
  renameUses(from: string, to: string): void {
    if (from === to) return;
    const renames = new Map([[from, to]]);
    for (const link of [...(this.#consumers.get(from) ?? [])])
      this.#substitute(link, renameInputs(link.node!, renames));
  }

  /** Lets the value that is called `from` be called `to` everywhere: where it is made, used and given out. */
  renameValue(from: string, to: string): void {
    if (from === to) return;
    this.renameUses(from, to);
    const maker = this.#producers.get(from);
    if (maker) {
      const outputs = maker.node!.outputs.map((name) => (name === from ? to : name));
      this.#substitute(maker, { ...maker.node!, outputs });
    }
    const weight = this.initializer(from);
    if (weight) {
      this.removeInitializer(from);
      this.setInitializer(to, weight);
    }
    const rename = (info: ValueInfo) => (info.name === from ? { ...info, name: to } : info);
    if (this.#inputs.has(from)) this.setInputs((this.#ports.inputs ?? this.#original.inputs).map(rename));
    if (this.#outputs.has(from)) this.setOutputs((this.#ports.outputs ?? this.#original.outputs).map(rename));
    const info = this.valueInfo(from);
    if (info) {
      this.setValueInfo(from, undefined);
      this.setValueInfo(to, { ...info, name: to });
    }
  }

  /** Adds or replaces a constant. The bytes are not looked at. */
  setInitializer(name: string, value: Initializer): void {
    this.#initializers ??= new Map(this.#original.initializers);
    this.#initializers.set(name, value);
    this.#touch(name);
  }

  removeInitializer(name: string): void {
    if (!this.initializer(name)) return;
    this.#initializers ??= new Map(this.#original.initializers);
    this.#initializers.delete(name);
    this.#touch();
  }

  valueInfo(name: string): ValueInfo | undefined {
    return (this.#valueInfo ?? this.#original.valueInfo).get(name);
  }

  setValueInfo(name: string, info: ValueInfo | undefined): void {
    if (this.valueInfo(name) === info) return;
    this.#valueInfo ??= new Map(this.#original.valueInfo);
    if (info) this.#valueInfo.set(name, info);
    else this.#valueInfo.delete(name);
    this.#touch();
  }

  setInputs(inputs: readonly ValueInfo[]): void {
    this.#ports = { ...this.#ports, inputs };
    this.#inputs.clear();
    for (const input of inputs) this.#inputs.add(input.name);
    this.#touch();
  }

  setOutputs(outputs: readonly ValueInfo[]): void {
    this.#ports = { ...this.#ports, outputs };
    this.#outputs.clear();
    for (const output of outputs) this.#outputs.add(output.name);
    this.#touch();
  }

  /** A value name that nothing uses here, around or inside: `prefix`, else `prefix_1`, `prefix_2` ... */
  unique(prefix: string): string {
    this.#names ??= allNames(this.#snapshot === this.#original ? this.#original : this.done());
    const taken = (name: string) => name === "" || this.#names!.has(name) || this.#outer.has(name);
    let name = prefix;
    let count = this.#counters.get(prefix) ?? 0;
    while (taken(name)) name = `${prefix}_${++count}`;
    this.#counters.set(prefix, count);
    this.#names.add(name);
    return name;
  }

  /** The result: the very graph that was given when nothing changed. Unused initializers stay. */
  done(): Graph {
    if (this.#snapshot !== this.#stale) return this.#snapshot;
    const nodes: Node[] = [];
    for (let link = this.#first.next!; link !== this.#last; link = link.next!) nodes.push(link.node!);
    const same = nodes.length === this.#original.nodes.length && nodes.every((n, i) => n === this.#original.nodes[i]);
    const changes: Partial<{ -readonly [K in keyof Graph]: Graph[K] }> = { ...this.#ports };
    if (!same) changes.nodes = nodes;
    if (this.#initializers && !sameEntries(this.#initializers, this.#original.initializers)) {
      changes.initializers = new Map(this.#initializers);
    }
    const valueInfo = this.#keptInfo();
    if (valueInfo) changes.valueInfo = valueInfo;
    this.#snapshot = Object.keys(changes).length === 0 ? this.#original : { ...this.#original, ...changes };
    return this.#snapshot;
  }

  // A marker that means "edited since the last `done`".
  readonly #stale: Graph = { ...EMPTY };

  #touch(name?: string): void {
    this.#snapshot = this.#stale;
    if (name !== undefined) this.#names?.add(name);
  }

  /** What the file stated of values that are gone is not kept. */
  #keptInfo(): Map<string, ValueInfo> | undefined {
    const before = this.#valueInfo ?? this.#original.valueInfo;
    const exists = (name: string) => this.#producers.has(name) || this.#inputs.has(name) || this.initializer(name);
    let gone = this.#reordered ? [...before.keys()].filter((name) => !exists(name)) : [];
    if (gone.length > 0) {
      // Only what our edits removed: a stray entry of the file stays as it was.
      const was = definitions(this.#original);
      gone = gone.filter((name) => was.has(name));
    }
    if (gone.length === 0) return this.#valueInfo && new Map(this.#valueInfo);
    const kept = new Map(before);
    for (const name of gone) kept.delete(name);
    return kept;
  }

  #find(node: Node): Link {
    const link = this.#links.get(node);
    if (link?.node === undefined) throw internal(`node ${label(node)} is not in the graph that is edited`);
    return link;
  }

  #link(before: Link, node: Node): void {
    if (this.#links.get(node)?.node !== undefined) throw internal(`node ${label(node)} is in the graph already`);
    const link: Link = { node, previous: before.previous, next: before };
    before.previous!.next = link;
    before.previous = link;
    this.#enter(link, node);
    this.#reordered = true;
    this.#touch();
  }

  #unlink(link: Link): void {
    this.#leave(link, link.node!);
    link.previous!.next = link.next;
    link.next!.previous = link.previous;
    link.node = undefined;
    this.#reordered = true;
    this.#touch();
  }

  /** Another object for the same place in the order. */
  #substitute(link: Link, node: Node): void {
    this.#leave(link, link.node!);
    link.node = node;
    this.#enter(link, node);
    this.#touch();
  }

  #enter(link: Link, node: Node): void {
    this.#links.set(node, link);
    for (const name of node.outputs) {
      if (name === "") continue;
      this.#producers.set(name, link);
      this.#names?.add(name);
    }
    for (const name of uses(node)) {
      const users = this.#consumers.get(name);
      if (users) users.add(link);
      else this.#consumers.set(name, new Set([link]));
    }
    if (this.#names) for (const inner of subgraphs(node)) for (const name of allNames(inner)) this.#names.add(name);
  }

  #leave(link: Link, node: Node): void {
    // A replacement may have entered before its original leaves: only the own entry is taken away.
    for (const name of node.outputs) if (this.#producers.get(name) === link) this.#producers.delete(name);
    for (const name of uses(node)) this.#consumers.get(name)?.delete(link);
  }
}

function sameEntries<V>(a: ReadonlyMap<string, V>, b: ReadonlyMap<string, V>): boolean {
  if (a.size !== b.size) return false;
  const other = b.entries();
  for (const [key, value] of a) {
    const [otherKey, otherValue] = other.next().value!;
    if (key !== otherKey || value !== otherValue) return false;
  }
  return true;
}

const EMPTY: Graph = {
  name: "",
  docString: "",
  inputs: [],
  outputs: [],
  valueInfo: new Map(),
  nodes: [],
  initializers: new Map(),
};
