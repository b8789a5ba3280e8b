// The graph that is written: fresh names, constants added, constants that nobody reads any more removed.

import type { Graph, Initializer, Model, Node } from "../../ir/model.js";
import { uses } from "../../ir/traverse.js";
import { DTYPES } from "../../tensor/dtype.js";
import { Edits } from "../rewrite.js";

export class Writing {
  readonly #names: Edits;
  readonly #added = new Map<string, Initializer>();
  readonly #made = new Map<unknown, string>();

  constructor(private readonly model: Model) {
    this.#names = new Edits(model);
  }

  fresh(prefix: string): string {
    return this.#names.fresh(prefix);
  }

  constant(wanted: string, value: Initializer): string {
    const name = this.fresh(wanted);
    this.#added.set(name, value);
    return name;
  }

  /** What `make` gave for the same key before. */
  once(key: unknown, make: () => string): string {
    const known = this.#made.get(key);
    if (known !== undefined) return known;
    const name = make();
    this.#made.set(key, name);
    return name;
  }

  /** The model with these nodes in its main graph: without nodes and constants that only what was replaced had used. */
  done(given: readonly Node[], domains: Readonly<Record<string, number>> = {}): Model {
    const { graph } = this.model;
    const nodes = alive(graph, given);
    const used = new Set(nodes.flatMap((node) => [...uses(node)]));
    for (const { name } of graph.outputs) used.add(name);
    const before = new Set(graph.nodes.flatMap((node) => [...uses(node)]));
    const inputs = new Set(graph.inputs.map(({ name }) => name));
    const made = new Set(nodes.flatMap(({ outputs }) => outputs));
    const initializers = new Map(
      [...graph.initializers].filter(
        ([name]) => !made.has(name) && (used.has(name) || inputs.has(name) || !before.has(name)),
      ),
    );
    for (const [name, value] of this.#added) if (used.has(name)) initializers.set(name, value);
    const irVersion = Math.max(
      this.model.irVersion,
      ...[...initializers.values()].map(({ dtype }) => DTYPES[dtype].ir),
    );
    const valueInfo = new Map([...graph.valueInfo].filter(([name]) => made.has(name) || inputs.has(name)));
    const opsets = new Map(this.model.opsets);
    for (const [domain, version] of Object.entries(domains)) if (!opsets.has(domain)) opsets.set(domain, version);
    return { ...this.model, irVersion, opsets, graph: { ...graph, nodes, initializers, valueInfo } };
  }
}

/** Nodes that were there for what is replaced, and that nobody reads any more, go: they rearranged a weight. */
function alive(graph: Graph, given: readonly Node[]): readonly Node[] {
  const before = new Set(graph.nodes.flatMap((node) => [...uses(node)]));
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  let nodes = given;
  for (;;) {
    const used = new Set(nodes.flatMap((node) => [...uses(node)]));
    const kept = nodes.filter((node) => {
      const wasRead = node.outputs.some((name) => before.has(name));
      return !wasRead || node.outputs.some((name) => used.has(name) || outputs.has(name));
    });
    if (kept.length === nodes.length) return nodes;
    nodes = kept;
  }
}
