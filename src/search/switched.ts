// The switched model: float and compressed in one graph, with a flag (a boolean input) for everything that was rounded.
// One session answers what the outputs are when any choice of layers is quantized: nothing is loaded again.
// Long because everything that can be rounded has a switch of its own kind.

import type { Note } from "../base/note.js";
import { info } from "../base/note.js";
import { makeNode, tensorInfo } from "../ir/build.js";
import { GraphEditor } from "../ir/edit.js";
import { type Graph, type Initializer, label, type Model, type Node } from "../ir/model.js";
import { consumers, definitions, producers, subgraphs } from "../ir/traverse.js";
import { weightsOf } from "../ops/index.js";
import { operatorKey } from "../ops/operator.js";
import { prepare, raiseOpset } from "../quantize/prepare.js";
import type { Feeds, Value } from "../tensor/value.js";
import { ownerOf, unionOf } from "./owners.js";

/** What a flag switches: weights of a layer, a value that layers hand on, or (not to be told apart) both at once. */
export type SwitchKind = "weights" | "activations" | "both";

export interface Switch {
  /** Name of the boolean input: true, as compressed; false, as in the float model. */
  readonly flag: string;
  readonly kind: SwitchKind;
  /** Label of the layer, a node of the float model, that it counts for. */
  readonly layer: string;
  readonly operator: string;
  /** What it rounds: the name in the float model, and in the switched model the value before and after. */
  readonly values: readonly { readonly name: string; readonly float: string; readonly rounded: string }[];
  /** Labels of the nodes that must all stay float for this error to go. */
  readonly keep: readonly string[];
}

export interface Switched {
  readonly model: Model;
  readonly switches: readonly Switch[];
  /** Values of the float model that layers with a switch give, by layer: equal names in both models. */
  readonly outputs: ReadonlyMap<string, string>;
  /** What could not be switched, and so is as compressed in every run. */
  readonly notes: readonly Note[];
}

/** The feeds with the flags of `on` true, all others false. */
export function withFlags({ switches }: Pick<Switched, "switches">, feeds: Feeds, on: ReadonlySet<string>): Feeds {
  const all: Record<string, Value> = { ...feeds };
  for (const { flag } of switches) all[flag] = { dtype: "bool", dims: [], data: Uint8Array.of(on.has(flag) ? 1 : 0) };
  return all;
}

/**
 * `compressed` must have been made of `float` and keep the names of values. Three things are switched: a weight that is
 * an initializer in one and computed in the other; a QuantizeLinear and DequantizeLinear pair; and, where packed
 * operators hide the weight, the node as a whole. Bit for bit the float model with all flags off, and the compressed one,
 * computed without fusing, with all on. Weights stand in it twice.
 */
export async function switchedModel(float: Model, compressed: Model): Promise<Switched> {
  const opset = Math.max(9, compressed.opsets.get("") ?? 1);
  const reference = raiseOpset(await prepare(float), opset).model;
  const raised = raiseOpset(compressed, opset).model;
  const found: Found = { switches: [], notes: [], outputs: new Map() };
  const graph = await new Switching(reference.graph, raised.graph, found).done();
  const flags = found.switches.map(({ flag }) => tensorInfo(flag, "bool", []));
  return { model: { ...raised, graph: { ...graph, inputs: [...graph.inputs, ...flags] } }, ...found };
}

interface Found {
  readonly switches: Switch[];
  readonly notes: Note[];
  readonly outputs: Map<string, string>;
}

/** One graph and those inside it, which see the flags as they see any value around them. */

class Switching {
  readonly #editor: GraphEditor;
  readonly #makers: ReadonlyMap<string, Node>;
  readonly #users: ReadonlyMap<string, readonly Node[]>;
  readonly #floatNames: ReadonlySet<string>;

  constructor(
    private readonly float: Graph,
    private readonly compressed: Graph,
    private readonly found: Found,
    private readonly inside = false,
  ) {
    this.#editor = new GraphEditor(compressed);
    this.#makers = producers(float);
    this.#users = consumers(float);
    this.#floatNames = definitions(float);
  }

  async done(): Promise<Graph> {
    await this.#subgraphs();
    await this.#weights();
    this.#activations();
    const graph = this.#editor.done();
    if (!this.inside) {
      const known = definitions(graph);
      const labels = new Set(this.found.switches.map(({ layer }) => layer));
      for (const node of this.float.nodes) {
        const output = node.outputs[0] ?? "";
        if (labels.has(label(node)) && known.has(output)) this.found.outputs.set(label(node), output);
      }
    }
    return { ...graph, valueInfo: new Map() };
  }

  /** Bodies of If, Loop and Scan, where both models have them in the same place. */
  async #subgraphs(): Promise<void> {
    for (const node of this.compressed.nodes) {
      if (subgraphs(node).length === 0) continue;
      const twin = this.float.nodes.find((one) => label(one) === label(node));
      const attributes = new Map(node.attributes);
      for (const [name, attribute] of node.attributes) {
        const other = twin?.attributes.get(name);
        if (attribute.type !== "graph" || other?.type !== "graph") continue;
        const value = await new Switching(other.value, attribute.value, this.found, true).done();
        attributes.set(name, { ...attribute, value });
      }
      this.#editor.replace(node, [{ ...node, attributes }]);
    }
  }

  /** Weights by the node that uses them: those decoded, those changed, and those that packed operators hold. */
  async #weights(): Promise<void> {
    const made = producers(this.compressed);
    const there = definitions(this.compressed);
    const groups = unionOf<string>();
    const changed = new Set<string>();
    const hidden = new Map<Node, Node>();
    for (const [name, weight] of this.float.initializers) {
      const users = this.#layersOf(name);
      if (!isFloat(weight) || users.length === 0) continue;
      const now = this.compressed.initializers.get(name);
      if (!there.has(name)) {
        for (const node of users) {
          const end = this.#known(node, there);
          if (end) hidden.set(node, end);
          else
            this.found.notes.push(info("not-switched", "It became part of another node: not told apart.", label(node)));
        }
        continue;
      }
      if (!made.has(name) && (now === undefined || (await same(weight, now)))) continue;
      changed.add(name);
      // Nodes that share a weight are one layer: it is rounded for all of them or for none.
      for (const node of users) groups.join(label(users[0]!), label(node));
    }
    const byLayer = new Map<string, string[]>();
    for (const name of changed) {
      const layer = groups.of(label(this.#layersOf(name)[0]!));
      byLayer.set(layer, [...(byLayer.get(layer) ?? []), name]);
    }
    for (const [layer, names] of byLayer) {
      const flag = this.#flag();
      const values = names.map((name) => this.#switchWeight(name, flag));
      // A weight that only a subgraph uses is named itself: the node that holds the subgraph does not stand for it.
      const keep = [...new Set(names.flatMap((name) => this.#keptBy(name)))];
      this.#add({ flag, kind: "weights", layer, values, keep });
    }
    for (const [node, end] of hidden) this.#switchNode(node, end);
  }

  /** The nodes that use a weight as such, also through nodes that rearrange it; where none is known, all that use it. */
  #layersOf(name: string): readonly Node[] {
    const layers = this.#usersAsWeight(name);
    return layers.length > 0 ? layers : (this.#users.get(name) ?? []);
  }

  #keptBy(name: string): readonly string[] {
    const layers = this.#usersAsWeight(name);
    return layers.length > 0 ? layers.map(label) : [name];
  }

  #usersAsWeight(name: string, depth = 0): readonly Node[] {
    return (this.#users.get(name) ?? []).flatMap((node) => {
      if (weightsOf(node).some(({ input }) => node.inputs[input] === name)) return [node];
      const moves = depth < 4 && REARRANGE.has(operatorKey(node)) && node.inputs[0] === name;
      return moves ? this.#usersAsWeight(node.outputs[0] ?? "", depth + 1) : [];
    });
  }

  #switchWeight(name: string, flag: string) {
    const editor = this.#editor;
    const weight = this.float.initializers.get(name)!;
    const [before, after] = [editor.unique(`${name}.float`), editor.unique(`${name}.rounded`)];
    const maker = editor.producer(name);
    const choose = makeNode("Where", [flag, after, before], [name], { name: `${flag}.${name}` });
    editor.setInitializer(before, weight);
    if (maker) {
      const outputs = maker.outputs.map((output) => (output === name ? after : output));
      editor.replace(maker, [{ ...maker, outputs }, choose]);
    } else {
      editor.setInitializer(after, editor.initializer(name)!);
      editor.removeInitializer(name);
      editor.prepend([choose]);
    }
    return { name, float: before, rounded: after };
  }

  /** The node itself, or the one after it (a bias that is added) into which it went: the first whose result is there. */
  #known(node: Node, there: ReadonlySet<string>): Node | undefined {
    let end: Node | undefined = node;
    for (let steps = 0; end !== undefined && steps < 3; steps++) {
      const output: string = end.outputs[0] ?? "";
      if (there.has(output)) return end;
      const users: readonly Node[] = this.#users.get(output) ?? [];
      end = users.length === 1 ? users[0] : undefined;
    }
    return undefined;
  }

  /** The float node beside what stands for it in the compressed model, one of the two handed on. */
  #switchNode(layer: Node, node: Node): void {
    const editor = this.#editor;
    const flag = this.#flag();
    const outputs = node.outputs.map((name) => (name === "" ? "" : editor.unique(`${name}.float`)));
    const added = [...this.#missing(node), { ...node, name: `${flag}.float`, outputs }];
    const values: { name: string; float: string; rounded: string }[] = [];
    for (const [at, name] of node.outputs.entries()) {
      const maker = name === "" ? undefined : editor.producer(name);
      if (maker === undefined) continue;
      const after = editor.unique(`${name}.rounded`);
      const choose = makeNode("Where", [flag, after, outputs[at]!], [name], { name: `${flag}.${name}` });
      const renamed = { ...maker, outputs: maker.outputs.map((output) => (output === name ? after : output)) };
      editor.replace(maker, [renamed, ...added.splice(0), choose]);
      values.push({ name, float: outputs[at]!, rounded: after });
    }
    this.#add({ flag, kind: "both", layer: label(layer), values, keep: [label(layer)] });
  }

  /** Nodes and weights of the float model that a node needs and the compressed one no longer has. */
  #missing(node: Node, seen = new Set<string>()): Node[] {
    return node.inputs.flatMap((name) => {
      if (name === "" || seen.has(name) || this.#editor.producer(name) || this.#editor.isInput(name)) return [];
      seen.add(name);
      const weight = this.float.initializers.get(name);
      if (weight) {
        if (!this.#editor.initializer(name)) this.#editor.setInitializer(name, weight);
        return [];
      }
      const maker = this.#makers.get(name);
      return maker ? [...this.#missing(maker, seen), maker] : [];
    });
  }

  /** Each QuantizeLinear of a value that is computed, with every DequantizeLinear of it. */
  #activations(): void {
    const { nodes, initializers } = this.compressed;
    const users = consumers(this.compressed);
    const pairs: Pair[] = [];
    for (const quantizer of nodes) {
      const [given = "", scale = ""] = quantizer.inputs;
      if (!isOne(quantizer, "QuantizeLinear") || initializers.has(given)) continue;
      const decoders = (users.get(quantizer.outputs[0] ?? "") ?? []).filter((node) => isOne(node, "DequantizeLinear"));
      for (const decoder of decoders) pairs.push({ given, scale, decoder, value: decoder.outputs[0] ?? "" });
      if (decoders.length === 0) {
        const text = "Its codes are used by integer operators: what they round is not told apart.";
        this.found.notes.push(info("not-switched", text, label(quantizer)));
      }
    }
    const rounded = new Map(pairs.map((pair) => [this.#floatName(pair), pair] as const));
    // A value that is only handed on with the same scale is rounded once: one flag for both.
    const groups = unionOf<Pair>();
    for (const [name, pair] of rounded) {
      const maker = this.#makers.get(name);
      if (maker === undefined || !HANDS_ON.has(operatorKey(maker))) continue;
      for (const input of maker.inputs) {
        const before = rounded.get(input);
        if (before?.scale === pair.scale) groups.join(before, pair);
      }
    }
    const together = new Map<Pair, Pair[]>();
    for (const pair of pairs) together.set(groups.of(pair), [...(together.get(groups.of(pair)) ?? []), pair]);
    for (const group of together.values()) this.#switchPairs(group, new Set(rounded.keys()));
  }

  #switchPairs(pairs: readonly Pair[], rounded: ReadonlySet<string>): void {
    const editor = this.#editor;
    const flag = this.#flag();
    const values = pairs.map(({ given, decoder, value }, at) => {
      const after = editor.unique(`${value}.rounded`);
      const choose = makeNode("Where", [flag, after, given], [value], { name: `${flag}.${value}` });
      editor.replace(decoder, [{ ...decoder, outputs: [after] }, choose]);
      return { name: this.#floatName(pairs[at]!), float: given, rounded: after };
    });
    const names = values.map(({ name }) => name);
    const makers = names.flatMap((name) => this.#makers.get(name) ?? []);
    const readers = names.flatMap((name) => this.#users.get(name) ?? []);
    const owner = ownerOf(names[0]!, this.float, this.#makers, rounded) ?? makers[0] ?? readers[0];
    const keep = new Set([...(owner ? [owner] : []), ...makers, ...readers].map(label));
    const layer = owner ? label(owner) : names[0]!;
    this.#add({ flag, kind: "activations", layer, values, keep: [...keep] });
  }

  /** What the value is called in the float model. */
  #floatName({ value, given }: Pair): string {
    if (this.#floatNames.has(value)) return value;
    return this.#floatNames.has(given) ? given : value;
  }

  #flag(): string {
    return this.#editor.unique(`pare.switch.${this.found.switches.length}`);
  }

  #add(one: Omit<Switch, "operator">): void {
    const node = this.float.nodes.find((candidate) => label(candidate) === one.layer);
    this.found.switches.push({ ...one, operator: node ? operatorKey(node) : "" });
  }
}

interface Pair {
  readonly given: string;
  readonly scale: string;
  readonly decoder: Node;
  readonly value: string;
}

const isFloat = ({ dtype }: Initializer) => dtype === "float32" || dtype === "float16";
const isOne = (node: Node, opType: string) =>
  node.opType === opType && (node.domain === "" || node.domain === "com.microsoft");

/** Through these a weight is still seen as a weight. */
const REARRANGE = new Set(["Transpose", "Reshape", "Identity", "Cast", "Squeeze", "Unsqueeze", "Flatten"]);
/** These give values that they were given. */
const HANDS_ON = new Set([
  ...REARRANGE,
  "MaxPool",
  "Concat",
  "Slice",
  "Split",
  "Gather",
  "Expand",
  "Tile",
  "Pad",
  "DepthToSpace",
  "SpaceToDepth",
]);

async function same(first: Initializer, second: Initializer): Promise<boolean> {
  if (first === second || first.sparse || second.sparse) return first === second;
  if (first.data === second.data) return true;
  if (first.dtype !== second.dtype || first.data.byteLength !== second.data.byteLength) return false;
  const [a, b] = [await first.data.read(), await second.data.read()];
  return a.every((byte, at) => byte === b[at]);
}
