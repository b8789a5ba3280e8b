// Constants and nodes that many weights of a model decode with: tables, shapes. One each for the main graph, which its
// subgraphs see too; a function body sees only its own.

import type { AttributeInput } from "../../ir/attributes.js";
import type { Graph, Initializer } from "../../ir/model.js";
import { everyGraph } from "../../ir/traverse.js";
import { type Edits, makeNode } from "../rewrite.js";

export class Shared {
  readonly #names = new Map<Graph, Map<string, string>>();
  readonly #main: ReadonlySet<Graph>;
  #count = 0;

  private constructor(private readonly edits: Edits) {
    this.#main = new Set(everyGraph(edits.model));
  }

  /** The same for the same edits. */
  static of(edits: Edits): Shared {
    const known = all.get(edits);
    if (known) return known;
    const made = new Shared(edits);
    all.set(edits, made);
    return made;
  }

  /** A short name that nothing has yet: names stand in the file several times each. */
  fresh(prefix: string): string {
    return this.edits.fresh(`${prefix}_${++this.#count}`);
  }

  /** The name of a constant: `key` tells it from all others. */
  constant(graph: Graph, prefix: string, key: string, make: () => Initializer): string {
    return this.#once(graph, prefix, key, (home, name) => this.edits.addConstant(home, name, make()));
  }

  /** The name of what a node makes of shared values. */
  made(
    graph: Graph,
    prefix: string,
    opType: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeInput>> = {},
  ): string {
    const key = JSON.stringify([
      opType,
      inputs,
      Object.entries(attributes).map(([name, value]) => [name, String(value)]),
    ]);
    return this.#once(graph, prefix, key, (home, name) =>
      this.edits.prepend(home, [makeNode(opType, inputs, [name], attributes)]),
    );
  }

  #once(graph: Graph, prefix: string, key: string, make: (home: Graph, name: string) => void): string {
    const home = this.#main.has(graph) ? this.edits.model.graph : graph;
    const names = this.#names.get(home) ?? new Map<string, string>();
    this.#names.set(home, names);
    const full = `${prefix} ${key}`;
    const known = names.get(full);
    if (known !== undefined) return known;
    const name = this.edits.fresh(prefix);
    names.set(full, name);
    make(home, name);
    return name;
  }
}

const all = new WeakMap<Edits, Shared>();
