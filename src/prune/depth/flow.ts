// Which value of a graph is made from which, and what nobody needs once one use of a value is gone.

import type { Graph, Node } from "../../ir/model.js";
import { consumers, producers, uses } from "../../ir/traverse.js";
import { weightsOf } from "../../ops/index.js";

/** Which value's numbers are made from which. What only takes a shape (Shape, Size) takes no numbers. */
export class Flow {
  readonly #makers: Map<string, Node>;
  readonly #users: Map<string, Node[]>;
  readonly #computed = new Set<string>();
  readonly #numbers = new Set<string>();
  readonly #outputs: Set<string>;
  readonly #order: ReadonlyMap<Node, number>;

  constructor(readonly graph: Graph) {
    this.#makers = producers(graph);
    this.#users = consumers(graph);
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    this.#order = new Map(graph.nodes.map((node, at) => [node, at]));
    for (const { name } of graph.inputs) {
      this.#computed.add(name);
      this.#numbers.add(name);
    }
    for (const node of graph.nodes) {
      const used = [...uses(node)];
      if (used.some((name) => this.#computed.has(name))) for (const name of node.outputs) this.#computed.add(name);
      if (takesShape(node) || !used.some((name) => this.#numbers.has(name))) continue;
      for (const name of node.outputs) this.#numbers.add(name);
    }
  }

  /** Whether it depends on the inputs of the model. */
  computed = (name: string): boolean => this.#computed.has(name);
  /** Whether it depends on more of the inputs than their shapes. */
  hasNumbers = (name: string): boolean => this.#numbers.has(name);
  maker = (name: string): Node | undefined => this.#makers.get(name);
  users = (name: string): number => (this.#users.get(name) ?? []).length;

  /** The values among `within` that are made from the numbers of a value, itself not among them. */
  made(name: string, within: ReadonlySet<string>): ReadonlySet<string> {
    const found = new Set([name]);
    // What is added to a set while it is walked is walked too.
    for (const each of found) {
      for (const user of this.#users.get(each) ?? []) {
        if (!takesShape(user)) for (const output of user.outputs) if (within.has(output)) found.add(output);
      }
    }
    found.delete(name);
    return found;
  }

  /** The computed values whose numbers a value is made from, inputs of the model and itself among them. */
  needed(name: string): ReadonlySet<string> {
    const found = new Set([name]);
    for (const each of found) {
      const maker = this.#makers.get(each);
      if (maker === undefined || takesShape(maker)) continue;
      for (const used of uses(maker)) if (this.#computed.has(used)) found.add(used);
    }
    return found;
  }

  /** The nodes that nobody needs once `user` does not take `name` any more, in graph order. */
  onlyFor(name: string, user: Node): Node[] {
    const gone = new Set<Node>([user]);
    const pending = [name];
    for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
      const maker = this.#makers.get(value);
      if (maker === undefined || gone.has(maker)) continue;
      // What the sum takes on its other side stays needed.
      const takes = (one: Node, output: string) => (one === user ? output !== name : !gone.has(one));
      const needed = maker.outputs.some(
        (output) => this.#outputs.has(output) || (this.#users.get(output) ?? []).some((one) => takes(one, output)),
      );
      // Not now; asked again when the last of its other users is gone.
      if (needed) continue;
      gone.add(maker);
      pending.push(...uses(maker));
    }
    gone.delete(user);
    return [...gone].sort((a, b) => this.#order.get(a)! - this.#order.get(b)!);
  }

  /** Whether it multiplies with trained weights. Tables that rows are looked up in are no layers. */
  hasWeights(node: Node): boolean {
    if (INTEGER_LAYERS.has(node.opType)) return true;
    return weightsOf(node).some(
      ({ role, input }) => (role === "matrix" || role === "recurrent") && !this.#computed.has(node.inputs[input]!),
    );
  }

  /** The normalisation that alone reads a value. */
  normOf(name: string): Node | undefined {
    const [first, ...others] = this.#users.get(name) ?? [];
    return others.length === 0 && first !== undefined && NORMALISATIONS.has(first.opType) ? first : undefined;
  }
}

const takesShape = (node: Node) => node.domain === "" && (node.opType === "Shape" || node.opType === "Size");

/** Products whose weights are stored as codes, which is no float weight that `ops` knows of. */
const INTEGER_LAYERS = new Set([
  "ConvInteger",
  "DynamicQuantizeMatMul",
  "MatMulBnb4",
  "MatMulInteger",
  "MatMulIntegerToFloat",
  "MatMulNBits",
  "QGemm",
  "QLinearConv",
  "QLinearMatMul",
]);

const NORMALISATIONS = new Set(["LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization"]);
